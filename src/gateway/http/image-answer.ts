// The seam of every endpoint that makes images: a request that was read becomes a reply. What it expects of its caller:
// - the call is authenticated and `refuseWhenFull` was asked before the body was read (app.ts does both for an Endpoint
//   with `makesImages`);
// - `order` comes from `readOrder(gateway, principal, fields, headers, kind)`; an edit adds its pictures:
//   `answerImages(call, { ...order, request: { ...order.request, referenceImages, mask } }, { kind: 'edit' })`;
// - bytes counted by `call.gateway.held.reserve` while uploads arrived are released by whoever reserved them, when the call
//   has ended (`call.whenEnded`): with a socket this resolves as soon as the work has begun.
// It throws Refusal, or ImageRouterError `invalid_request`, only before anything was sent upstream.
// A request is paid for once: a repeat with the same Idempotency-Key gets the first answer, and a client library's hidden
// repeat joins the request it repeats while that still runs.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { IdempotencyClaim } from '../ports.ts';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import { fingerprintOf } from './fingerprint.ts';
import { admit, refuseWhenFull } from './image-admission.ts';
import { type Making, makeAnswer } from './image-making.ts';
import { streamImages } from './image-stream.ts';
import type { Job } from './open-work.ts';
import type { BodyKind } from './openai/body.ts';
import type { ImageOrder } from './openai/order.ts';
import { Refusal } from './refusal.ts';
import { refuse, replyWith } from './refuse.ts';
import { sendAnswer } from './send.ts';

type FirstClaim = Extract<IdempotencyClaim, { kind: 'first' }>;

const LONGEST_KEY = 255;

export async function answerImages(call: Call, order: ImageOrder, { kind }: { readonly kind: BodyKind }): Promise<Response> {
  // Again: reading a body takes its time, in which a drain may have begun and others have come.
  refuseWhenFull(call.gateway);
  const key = call.headers.get('idempotency-key');
  if (key !== null) return answerOnce(call, order, kind, key);
  const joinKey = joinKeyOf(call, order, kind);
  if (joinKey !== undefined && call.headers.get(RETRY_COUNT) !== '0') {
    const running = call.gateway.work.find(joinKey);
    if (running !== undefined) return deliver(call, running, { 'x-image-router-joined': 'true' });
  }
  const making = await begin(call, order);
  if (order.stream) return streamImages(call, making, kind, undefined);
  const job = call.gateway.work.start({ joinKey, outlivesCallers: false }, (signal) => makeAnswer(making, signal));
  return deliver(call, job);
}

/** With a key: the request is recorded before anything is sent upstream, and runs to its end also when its caller leaves. */
async function answerOnce(call: Call, order: ImageOrder, kind: BodyKind, key: string): Promise<Response> {
  const { gateway, principal } = call;
  if (key.length === 0 || key.length > LONGEST_KEY) throw badKey();
  const claim = await gateway.idempotency.claim(principal, `${kind} ${key}`, fingerprintOf(order, kind));
  if (claim.kind === 'conflict') throw new Refusal({ ...claim, param: 'idempotency-key', mayRepeat: false });
  if (claim.kind === 'replay') return sendAnswer(call, { ...claim.answer, facts: {} }, { 'idempotent-replayed': 'true' });
  const making = await begin(call, order).catch(async (error: unknown) => {
    await claim.abandon();
    throw error;
  });
  const record = (answer: Answer): Promise<void> => keep(claim, answer, making);
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

/**
 * What cost nothing may be asked afresh. What was cut off by the gateway's own end stays as it is, begun and possibly
 * billed: repeating it is the caller's decision, under another key.
 */
async function keep(claim: FirstClaim, answer: Answer, { gateway, id }: Making): Promise<void> {
  try {
    if (answer.spentMicroUsd === 0 && answer.status !== 200) await claim.abandon();
    else if (answer.facts.code !== 'shutting_down') await claim.complete(answer);
  } catch (error) {
    gateway.observer.http({ kind: 'request-defect', id, where: 'idempotency', error });
  }
}

/** With a socket nothing waits for the answer but the answer's own promise, which writes it there. */
function deliver(call: Call, job: Job, extra: Record<string, string> = {}): Response | Promise<Response> {
  job.join();
  call.whenEnded(() => job.leave(comesBack(call)));
  const sent = job.answer.then(
    (answer) => replyWith(call, () => sendAnswer(call, answer, extra)),
    (error: unknown) => refuse(call, error),
  );
  return call.outgoing === undefined ? sent : RESPONSE_ALREADY_SENT;
}

/** Sent by OpenAI's libraries with every request: 0, then 1 and 2 for what they repeat without telling their caller. */
const RETRY_COUNT = 'x-stainless-retry-count';
/** The libraries' own timeout in seconds, sent where it was set for the request. */
const TIMEOUT = 'x-stainless-timeout';
const DEFAULT_TIMEOUT_S = 600;

function joinKeyOf(call: Call, order: ImageOrder, kind: BodyKind): string | undefined {
  if (order.stream || call.headers.get(RETRY_COUNT) === null) return undefined;
  return `${call.principal.id} ${fingerprintOf(order, kind)}`;
}

/** A library that ran into its own timeout is about to repeat the request; a person who pressed stop is not. */
function comesBack(call: Call): boolean {
  if (call.headers.get(RETRY_COUNT) === null) return false;
  const timeoutS = Number(call.headers.get(TIMEOUT) ?? DEFAULT_TIMEOUT_S);
  return timeoutS > 0 && call.elapsedMs >= timeoutS * 1_000;
}

function badKey(): Refusal {
  const message = `Idempotency-Key must have 1 to ${LONGEST_KEY} characters.`;
  return new Refusal({ status: 400, code: 'invalid_value', message, param: 'idempotency-key' });
}
