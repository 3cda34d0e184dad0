// The seam of every endpoint that makes images: a request that was read becomes a reply. What it expects of its caller:
// - the call is authenticated and `refuseWhenFull` was asked before the body was read (app.ts does both for an Endpoint
//   with `makesImages`);
// - `order` comes from `readOrder(gateway, principal, fields, headers, kind)`; an edit adds its pictures:
//   `answerImages(call, { ...order, request: { ...order.request, referenceImages, mask } }, { kind: 'edit' })`;
// - bytes counted by `call.gateway.held.reserve` while uploads arrived are released by whoever reserved them, when the call
//   has ended (`call.whenEnded`): with a socket this resolves as soon as the work has begun.
// It throws Refusal, or ImageRouterError `invalid_request`, only before anything was sent upstream.
import { giveBackMemory } from '../../providers/picture-memory.ts';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import { fingerprintOf } from './fingerprint.ts';
import { admit, refuseWhenFull } from './image-admission.ts';
import { type Making, makeAnswer } from './image-making.ts';
import { streamImages } from './image-stream.ts';
import { answerJob } from './jobs/job-answer.ts';
import type { BodyKind } from './openai/body.ts';
import type { ImageOrder } from './openai/order.ts';
import { conflictRefusal, deliver, giveUpClaim, idempotencyKeyOf, joinKeyOf, joinRunning, keepAnswer, sendReplay } from './repeats.ts';

export function answerImages(call: Call, order: ImageOrder, about: { readonly kind: BodyKind }): Promise<Response> {
  const begun = beginAnswer(call, order, about);
  // Until it counts among the work that runs, it waits for the store: a drain waits for that, too.
  call.gateway.work.track(begun);
  return begun;
}

async function beginAnswer(call: Call, order: ImageOrder, { kind }: { readonly kind: BodyKind }): Promise<Response> {
  // Again: reading a body takes its time, in which a drain may have begun and others have come.
  refuseWhenFull(call.gateway);
  if (order.asJob !== undefined) return answerJob(call, order, kind, order.asJob);
  const key = idempotencyKeyOf(call);
  if (key !== undefined) return answerOnce(call, order, kind, key);
  const joinKey = joinKeyOf(call, order, kind);
  const joined = joinRunning(call, joinKey);
  if (joined !== undefined) return joined;
  const making = await begin(call, order);
  if (order.stream) return streamImages(call, making, kind, undefined);
  // Without a socket an answer is read by somebody else's code, at its own time.
  const rules = { joinKey, outlivesCallers: false, ...(call.outgoing === undefined ? {} : { whenUnused: giveBackPictures }) };
  const job = call.gateway.work.start(rules, (signal) => makeAnswer(making, signal));
  return deliver(call, job);
}

/** With a key: the request is recorded before anything is sent upstream, and runs to its end also when its caller leaves. */
async function answerOnce(call: Call, order: ImageOrder, kind: BodyKind, key: string): Promise<Response> {
  const { gateway, principal } = call;
  const claim = await gateway.idempotency.claim(principal, key, fingerprintOf(order, kind));
  if (claim.kind === 'conflict') throw conflictRefusal(claim);
  if (claim.kind === 'replay') return sendReplay(call, claim);
  const making = await begin(call, order).catch(async (error: unknown) => {
    await giveUpClaim(claim, error);
    throw error;
  });
  const record = (answer: Answer): Promise<void> => keepAnswer(claim, answer, making);
  if (order.stream) return streamImages(call, making, kind, record);
  const job = gateway.work.start({ joinKey: undefined, outlivesCallers: true }, async (signal) => {
    const answer = await makeAnswer(making, signal);
    await record(answer);
    return answer;
  });
  return deliver(call, job);
}

async function begin(call: Call, order: ImageOrder): Promise<Making> {
  const { gateway, principal, id } = call;
  return { gateway, principal, id, order, lease: await admit(call, order) };
}

/** The pictures in it lie where the provider's answer was read to; the next answer may lie there. */
function giveBackPictures({ body }: Answer): void {
  for (const piece of body) giveBackMemory(piece);
}
