// One image request to its end: made or failed, the spend is settled, the trace is kept, and what comes out is an answer.
// Nothing here knows a connection; whoever waits for the answer, and how many, is not its business.
import { isImageRouterError } from '../../domain/error.ts';
import { type Cost, costInTrace, type ImageResult } from '../../domain/result.ts';
import type { GenerateOptions } from '../../index.ts';
import type { Lease, Principal } from '../ports.ts';
import type { Answer, AnswerFacts } from './answer.ts';
import type { Gateway } from './gateway.ts';
import { factsInTrace, factsOf, imagesAnswer } from './openai/envelope.ts';
import { errorAnswer, toRefusal } from './openai/errors.ts';
import type { ImageOrder } from './openai/order.ts';
import type { Refusal } from './refusal.ts';

/** Everything the making of one order needs. */
export type Making = {
  readonly gateway: Gateway;
  readonly principal: Principal;
  /** The HTTP request's id. */
  readonly id: string;
  readonly order: ImageOrder;
  readonly lease: Lease;
};

export type Made =
  | { readonly kind: 'made'; readonly result: ImageResult }
  | { readonly kind: 'failed'; readonly refusal: Refusal; readonly facts: AnswerFacts; readonly spentMicroUsd: number };

/** What went wrong is a value, too, with its spend settled. Rejects only with what `finish` throws. One frame while it waits. */
export async function make<Out>(making: Making, options: GenerateOptions, finish: (made: Made) => Out): Promise<Out> {
  let made: Made;
  try {
    made = succeeded(making, await making.gateway.router().generate(making.order.request, { ...options, keepEncoded: true }));
  } catch (error) {
    made = failed(making, error);
  }
  const facts = made.kind === 'made' ? factsOf(made.result) : { ...made.facts, code: made.refusal.details.code };
  making.gateway.observer.http({ kind: 'images-end', id: making.id, ...facts });
  return finish(made);
}

function succeeded({ gateway, principal, id, lease }: Making, result: ImageResult): Made {
  settle(gateway, id, lease, result.cost);
  gateway.traces.keep(principal, result.trace);
  return { kind: 'made', result };
}

function failed({ gateway, principal, id, order, lease }: Making, error: unknown): Made {
  const trace = isImageRouterError(error) ? error.trace : undefined;
  const events = trace?.events ?? [];
  const cost = costInTrace(events);
  settle(gateway, id, lease, cost);
  if (trace !== undefined) gateway.traces.keep(principal, trace);
  const refusal = toRefusal(error, gateway);
  if (refusal.details.code === 'internal_error') gateway.observer.http({ kind: 'request-defect', id, where: 'generate', error });
  const told = factsInTrace(events);
  const spentMicroUsd = cost.billed + cost.possiblyBilled;
  const facts: AnswerFacts = {
    ...(trace === undefined ? {} : { traceId: trace.requestId }),
    ...(told.attempts !== 0 && !isOwnDoing(error) ? { deadlineMet: false } : {}),
    ...told,
    ...policyOf(order, gateway),
    costMicroUsd: spentMicroUsd,
  };
  return { kind: 'failed', refusal, facts, spentMicroUsd };
}

/** The caller left, or the prompt was turned down: no deadline was missed. */
function isOwnDoing(error: unknown): boolean {
  return isImageRouterError(error) && (error.code === 'cancelled' || error.code === 'refused');
}

/** A policy nobody has configured is the caller's own text, and has no place in a log. */
function policyOf({ request }: ImageOrder, { options }: Gateway): Pick<AnswerFacts, 'policy'> {
  const { policies, defaultPolicy } = options();
  const policy = request.policy === undefined ? defaultPolicy : policies.find(({ id }) => id === request.policy);
  return policy === undefined ? {} : { policy: policy.id };
}

/** The whole reply. */
export function makeAnswer(making: Making, signal: AbortSignal): Promise<Answer> {
  return make(making, { signal }, (made) => (made.kind === 'made' ? toImagesAnswer(making, made.result) : errorAnswer(made.refusal, made)));
}

function toImagesAnswer({ gateway, order }: Making, result: ImageResult): Answer {
  return imagesAnswer(result, { options: gateway.options(), created: secondsNow(gateway), notes: order.notes });
}

/** World seconds since 1970. */
export function secondsNow({ clock }: Gateway): number {
  return Math.floor(clock.wall().getTime() / 1_000);
}

/** The caller need not wait for the disk: until the record is there, the reservation stands for it. */
function settle(gateway: Gateway, id: string, lease: Lease, cost: Cost): void {
  const settled = lease.settle(cost).catch((error: unknown) => {
    gateway.observer.http({ kind: 'request-defect', id, where: 'settle', error });
  });
  gateway.work.track(settled);
}
