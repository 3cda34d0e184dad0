// One Idempotency-Key is one request of its caller, by whichever door it comes: a render while the caller waits, a job and a batch
// are paid for alike. All doors claim the same key, so that the store's one insert decides between them; which door a claim
// came by, and what was asked there whatever the door, stand in its fingerprint for whoever comes by another.

export const DOORS = ['generation', 'edit', 'job', 'batch'] as const;
export type Door = (typeof DOORS)[number];

/** What is never asked by two doors. */
const NOTHING_ALIKE = '-';

/** `asked`: equal where the same is asked by another door; no spaces. `rest`: what else a repeat must be equal in. */
export function fingerprintAt(door: Door, { asked = NOTHING_ALIKE, rest }: { readonly asked?: string; readonly rest: string }): string {
  return `${door} ${asked} ${rest}`;
}

/** Undefined: whoever asked did not say. */
export function doorOf(fingerprint: string): Door | undefined {
  return DOORS.find((door) => fingerprint.startsWith(`${door} `));
}

export function askTheSame(one: string, other: string): boolean {
  const asked = askedIn(one);
  return asked !== undefined && asked !== NOTHING_ALIKE && asked === askedIn(other);
}

function askedIn(fingerprint: string): string | undefined {
  return doorOf(fingerprint) === undefined ? undefined : fingerprint.split(' ')[1];
}
