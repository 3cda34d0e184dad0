// A request is made once however often it arrives: a repeat with the same Idempotency-Key gets the first answer, and a client
// library's hidden repeat joins the request it repeats while that still runs.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { mayBeWritten } from '../../domain/store-error.ts';
import type { IdempotencyClaim } from '../ports.ts';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Job } from './open-work.ts';
import type { BodyKind } from './openai/body.ts';
import type { ImageOrder } from './openai/order.ts';
import { Refusal } from './refusal.ts';
import { refuse, replyWith } from './refuse.ts';
import { sendAnswer } from './send.ts';

export type FirstClaim = Extract<IdempotencyClaim, { kind: 'first' }>;

const LONGEST_KEY = 255;

/** Undefined: the caller asks for no such thing. Throws Refusal for a key that cannot be one. */
export function idempotencyKeyOf({ headers }: Call): string | undefined {
  const key = headers.get('idempotency-key');
  if (key === null) return undefined;
  if (key.length === 0 || key.length > LONGEST_KEY) throw badKey();
  return key;
}

export function conflictRefusal({ status, code, message }: Extract<IdempotencyClaim, { kind: 'conflict' }>): Refusal {
  return new Refusal({ status, code, message, param: 'idempotency-key', mayRepeat: false });
}

/** What is accepted at once and made later, under an id that its claim's name leads to. */
export type Acceptable<Accepted> = {
  find(id: string): Promise<Accepted | undefined>;
  accept(id: string): Promise<Accepted>;
};

/**
 * What a claim in conflict stands for. Where its process ended between claiming the key and accepting, nothing was sent anywhere
 * and it is accepted now, under the same id, of which there can be only one: repeats come here one after another, or one would
 * let go of the other's reservation; one that another gateway accepts in this moment is found. Undefined: there is none.
 */
export async function acceptedBefore<Accepted>(
  { gateway }: Call,
  claim: ConflictingClaim,
  id: string | undefined,
  { find, accept }: Acceptable<Accepted>,
): Promise<Accepted | undefined> {
  if (id === undefined) return undefined;
  if (!isCutOff(claim)) return find(id);
  return gateway.afterCrash.take(id, async () => {
    const known = await find(id);
    if (known !== undefined) return known;
    try {
      return await accept(id);
    } catch (error) {
      const meanwhile = await find(id);
      if (meanwhile === undefined) throw error;
      return meanwhile;
    }
  });
}

type ConflictingClaim = Extract<IdempotencyClaim, { kind: 'conflict' }>;

/** Whoever had claimed the key is no more, and no answer was kept. */
function isCutOff({ code }: ConflictingClaim): boolean {
  return code === 'idempotency_interrupted';
}

export function sendReplay(call: Call, { answer }: Extract<IdempotencyClaim, { kind: 'replay' }>): Response {
  return sendAnswer(call, { ...answer, facts: {} }, { 'idempotent-replayed': 'true' });
}

/**
 * What cost nothing may be asked afresh. What was cut off by the gateway's own end stays as it is, begun and possibly
 * billed: repeating it is the caller's decision, under another key.
 */
export async function keepAnswer(claim: FirstClaim, answer: Answer, { gateway, id }: Pick<Call, 'gateway' | 'id'>): Promise<void> {
  try {
    if (answer.spentMicroUsd === 0 && answer.status >= 400) await claim.abandon();
    else if (answer.facts.code !== 'shutting_down') await claim.complete(answer);
  } catch (error) {
    gateway.observer.http({ kind: 'request-defect', id, where: 'idempotency', error });
  }
}

/** What was asked for failed before anything was sent upstream; where nobody knows whether it was accepted, its repeat finds out. */
export async function giveUpClaim(claim: FirstClaim, error: unknown): Promise<void> {
  if (mayBeWritten(error)) claim.leave();
  // One that the store still holds is found cut off.
  else await claim.abandon().catch(() => undefined);
}

/** With a socket nothing waits for the answer but the answer's own promise, which writes it there. */
export function deliver(call: Call, job: Job, extra: Record<string, string> = {}): Response | Promise<Response> {
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

/** What a hidden repeat is recognised by; undefined: there will be none. */
export function joinKeyOf(call: Call, order: ImageOrder, kind: BodyKind): string | undefined {
  if (order.stream || call.headers.get(RETRY_COUNT) === null) return undefined;
  return `${call.principal.id} ${fingerprintOf(order, kind)}`;
}

/** The reply to a hidden repeat whose first still runs; undefined when there is none. */
export function joinRunning(call: Call, joinKey: string | undefined): Response | Promise<Response> | undefined {
  if (joinKey === undefined || call.headers.get(RETRY_COUNT) === '0') return undefined;
  const running = call.gateway.work.find(joinKey);
  return running === undefined ? undefined : deliver(call, running, { 'x-image-router-joined': 'true' });
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
