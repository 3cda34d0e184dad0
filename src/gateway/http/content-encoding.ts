// Bodies are taken as they are sent. Unpacking one would let a few kilobytes become gigabytes, and pictures are packed already; a
// packed one that was read as it is would only be called no JSON.
import { oneProblem, Refusal } from './refusal.ts';

const FIELD = 'content-encoding';

/** Throws Refusal 415 for a body that is packed. */
export function refuseEncoded(headers: Headers): void {
  const given = headers.get(FIELD);
  if (given === null || /^\s*(?:identity)?\s*$/i.test(given)) return;
  const rule = 'must be identity: bodies are not unpacked here';
  const remedy = 'send the body as it is, without the header content-encoding';
  throw new Refusal({
    status: 415,
    code: 'unsupported_media_type',
    message: `The ${FIELD} ${rule}.`,
    param: FIELD,
    remedy,
    extras: oneProblem(FIELD, rule, remedy),
  });
}
