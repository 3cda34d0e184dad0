// Server-sent events exactly as OpenAI writes them, as pieces: a line of JSON whose picture is a slice.
import { utf8 } from '../answer.ts';
import type { BodyKind } from './body.ts';

const PREFIX = { generation: 'image_generation', edit: 'image_edit' } as const;

/** What OpenAI says of a picture beside the picture. */
export type PictureFields = {
  readonly created_at: number;
  readonly size: string;
  readonly quality: string;
  readonly background: string;
  readonly output_format: string;
};

type Extra = Readonly<Record<string, unknown>>;

export function partialEvent(
  kind: BodyKind,
  payload: Uint8Array,
  fields: PictureFields,
  index: number,
  extra: Extra,
): readonly Uint8Array[] {
  return pictureEvent(`${PREFIX[kind]}.partial_image`, payload, { ...fields, partial_image_index: index, ...extra });
}

export function completedEvent(
  kind: BodyKind,
  payload: Uint8Array,
  fields: PictureFields,
  usage: Extra,
  extra: Extra,
): readonly Uint8Array[] {
  return pictureEvent(`${PREFIX[kind]}.completed`, payload, { ...fields, usage, ...extra });
}

/** What an error becomes once the headers are out. */
export function errorEvent(error: Extra): readonly Uint8Array[] {
  return [utf8(`event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`)];
}

/** Keeps idle proxies from closing the connection; clients ignore comments. */
export const HEARTBEAT: readonly Uint8Array[] = [utf8(': keep-alive\n\n')];

function pictureEvent(type: string, payload: Uint8Array, rest: Extra): readonly Uint8Array[] {
  const head = `event: ${type}\ndata: {"type":"${type}","b64_json":"`;
  return [utf8(head), payload, utf8(`",${JSON.stringify(rest).slice(1)}\n\n`)];
}
