// RFC 7240: how a caller says that it would rather have a job. A preference that is not understood is none, as the RFC asks.

export type Preference = {
  readonly isAsync: boolean;
  /** Real seconds to wait for the end; undefined: it does not say. */
  readonly waitS: number | undefined;
};

/** A longer wait is what webhooks and events are for. */
const LONGEST_WAIT_S = 600;

export function preferenceIn(headers: Headers): Preference {
  const words = (headers.get('prefer') ?? '').split(/[,;]/).map((word) => word.trim().toLowerCase());
  const wait = words.map((word) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(word)?.[1]).find((digits) => digits !== undefined);
  return {
    isAsync: words.includes('respond-async'),
    waitS: wait === undefined ? undefined : Math.min(Number(wait), LONGEST_WAIT_S),
  };
}

/** What `Preference-Applied` says of it. */
export function appliedText({ isAsync, waitS }: Preference): string | undefined {
  const words = [...(isAsync ? ['respond-async'] : []), ...(waitS === undefined ? [] : [`wait=${waitS}`])];
  return words.length === 0 ? undefined : words.join(', ');
}
