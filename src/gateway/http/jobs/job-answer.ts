// A request becomes a job: accepted once, durable before anything is sent upstream, and made by whichever worker takes it.
// The caller waits for its end as long as it said it would (not at all, for most), and hears of the job if that takes longer.
// Waiting is all that happens here: leaving, a drain or a crash of this process take nothing from the job.

import { hasEnded, type Job } from '../../../domain/job.ts';
import type { ImageRequest } from '../../../domain/request.ts';
import { NO_COST } from '../../../domain/result.ts';
import { type Answer, JSON_TYPE, utf8 } from '../answer.ts';
import type { Call } from '../call.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Gateway } from '../gateway.ts';
import type { BodyKind } from '../openai/body.ts';
import type { ImageOrder, JobWish, Note } from '../openai/order.ts';
import {
  acceptedBefore,
  conflictRefusal,
  deliver,
  giveUpClaim,
  idempotencyKeyOf,
  joinKeyOf,
  joinRunning,
  keepAnswer,
  sendReplay,
} from '../repeats.ts';
import { sendAnswer } from '../send.ts';
import { admitJob, type CheckedJob, checkJob, jobOrder, type WantedJob } from './job-admission.ts';
import { endedAnswer } from './job-end.ts';
import { jobObject, pathOf } from './job-object.ts';
import type { JobParts } from './job-parts.ts';
import { retryAfterOf } from './retry-after.ts';

/** One wish for a job, and how its caller is to hear of it. */
export type JobAsk = {
  /** Asked only when there is no job of the same key yet: what a repeat may still cost was spent by the first. */
  readonly wanted: () => WantedJob | Promise<WantedJob | OpenAlready>;
  /** What a repeat with the same Idempotency-Key must be equal in. */
  readonly fingerprint: string;
  /** What a hidden repeat is recognised by. */
  readonly joinKey: string | undefined;
  /** World milliseconds from arrival to wait for its end. */
  readonly waitMs: number;
  /** From arrival, of a caller whose budget is not the job's life; undefined: it is. World milliseconds. */
  readonly budgetMs: number | undefined;
  readonly notes: readonly Note[];
  readonly headers: Readonly<Record<string, string>>;
};

/** What is asked for is being made: another of the same would be paid for twice. */
export type OpenAlready = { readonly open: Job };

/** Throws Refusal or ImageRouterError before a job was accepted, never afterwards. */
export function answerJob(call: Call, order: ImageOrder, kind: BodyKind, wish: JobWish): Promise<Response> {
  const { request, model, notes } = order;
  const about = { fingerprint: fingerprintOf(order, kind), joinKey: joinKeyOf(call, order, kind), notes };
  const origin = { kind: 'request' } as const;
  const first = { model, origin, lineage: undefined, capLeft: undefined };
  if (wish.kind === 'async') {
    const headers = wish.applied === undefined ? {} : { 'preference-applied': wish.applied };
    const wanted = (): WantedJob => ({ ...first, request, lifeMs: wish.lifeMs });
    return acceptOnce(call, { ...about, wanted, waitMs: wish.waitMs, budgetMs: undefined, headers });
  }
  const { request: tiered, budgetMs } = withTierOfBudget(call.gateway, request, wish.budgetMs);
  const wanted = (): WantedJob => ({ ...first, request: tiered, lifeMs: undefined });
  return acceptOnce(call, { ...about, wanted, waitMs: budgetMs, budgetMs, headers: {} });
}

/**
 * A tier that nobody named is the one that the budget leads to, as without a job; a provider's model leaves it open, too. One that
 * was named is made as it is: whoever would rather have less in time asks for no job.
 */
function withTierOfBudget({ router }: Gateway, request: ImageRequest, budgetMs: number | undefined) {
  const { need } = router().explain({ ...request, ...(budgetMs === undefined ? {} : { latencyBudgetMs: budgetMs }) });
  const { tier, quality, route } = request;
  const isNamed = [tier, quality, route].some((choice) => choice !== undefined);
  return { request: isNamed ? request : { ...request, tier: need.tier }, budgetMs: need.budgetMs };
}

/** The same key and request: the same job, also when the first answer was lost in a crash. */
export async function acceptOnce(call: Call, ask: JobAsk): Promise<Response> {
  const { gateway, principal } = call;
  const parts = partsOf(gateway);
  const key = idempotencyKeyOf(call);
  if (key === undefined) {
    const joined = joinRunning(call, ask.joinKey);
    if (joined !== undefined) return joined;
    const job = await accept(call, parts, ask.wanted, gateway.ids.next('job'));
    return tell(call, parts, job, ask, async () => undefined);
  }
  const claim = await gateway.idempotency.claim(principal, key, ask.fingerprint);
  if (claim.kind === 'replay') return sendReplay(call, claim);
  if (claim.kind === 'conflict') {
    const known = await acceptedBefore(call, claim, claim.name && jobIdOf(claim.name), {
      find: (id) => parts.jobs.find(principal.id, id),
      accept: (id) => accept(call, parts, ask.wanted, id),
    });
    if (known === undefined) throw conflictRefusal(claim);
    return sendAnswer(call, await answerAbout(call, parts, known, ask), { 'idempotent-replayed': 'true' });
  }
  const job = await accept(call, parts, ask.wanted, jobIdOf(claim.name)).catch(async (error: unknown) => {
    await giveUpClaim(claim, error);
    throw error;
  });
  return tell(call, parts, job, ask, (answer) => keepAnswer(claim, answer, call));
}

/** A claim's name is random, and on disk before the job is: whoever finds the claim finds the job. */
function jobIdOf(claimName: string): string {
  return `job_${claimName.slice(claimName.indexOf('_') + 1)}`;
}

/** Where its family grew meanwhile, what it may cost is reckoned again: one of those who asked at once was accepted. */
async function accept(call: Call, parts: JobParts, wanted: JobAsk['wanted'], id: string): Promise<Job> {
  for (;;) {
    const wish = await wanted();
    if ('open' in wish) return wish.open;
    const job = await acceptNow(call, parts, await checkJob(call.gateway, wish, parts.lifeMs()), id);
    if (job !== undefined) return job;
  }
}

/** Undefined: it was overtaken. */
async function acceptNow(call: Call, parts: JobParts, checked: CheckedJob, id: string): Promise<Job | undefined> {
  const lease = await admitJob(call, id, checked);
  // What was not accepted costs nothing; what was, though nobody heard of it, keeps its reservation.
  const letGo = (): Promise<void> => lease.settle(NO_COST);
  try {
    const accepted = await parts.jobs.submit([jobOrder(call.principal, id, checked)]);
    if (accepted !== 'overtaken') return theOne(accepted);
  } catch (error) {
    // The store may be full: then the reservation is let go of later.
    call.gateway.work.track(letGo().catch(() => undefined));
    throw error;
  }
  await letGo();
  return undefined;
}

function theOne([job]: readonly Job[]): Job {
  if (job === undefined) throw new Error('invariant: one order is one job');
  return job;
}

/** `record` keeps the answer for a repeat. Nobody waits for that: until it is there, the claim's name leads to the job. */
function tell(
  call: Call,
  parts: JobParts,
  job: Job,
  ask: JobAsk,
  record: (answer: Answer) => Promise<unknown>,
): Response | Promise<Response> {
  const { gateway } = call;
  const waitMs = ask.waitMs - (gateway.clock.now() - call.arrivedAt);
  if (waitMs <= 0) {
    const answer = acceptedAnswer(call, parts, job, ask);
    gateway.work.track(record(answer));
    return sendAnswer(call, answer);
  }
  const waiting = gateway.work.start({ joinKey: ask.joinKey, outlivesCallers: false }, async (signal) => {
    const answer = await answerAbout(call, parts, await waitForEnd(gateway, parts, job, waitMs, signal), ask);
    gateway.work.track(record(answer));
    return answer;
  });
  return deliver(call, waiting);
}

async function waitForEnd({ clock }: Gateway, { jobs }: JobParts, job: Job, waitMs: number, signal: AbortSignal): Promise<Job> {
  const late = new AbortController();
  const cancel = clock.timer(waitMs, () => late.abort(), { background: true });
  try {
    // Watching ends with the job's last event, or with the signal.
    for await (const _ of jobs.watch(job.principal, job.id, 0, AbortSignal.any([signal, late.signal])));
  } finally {
    cancel();
  }
  return (await jobs.find(job.principal, job.id)) ?? job;
}

function answerAbout(call: Call, parts: JobParts, job: Job, ask: JobAsk): Promise<Answer> | Answer {
  return hasEnded(job.state) && ask.waitMs > 0 ? endedAnswer(call, parts, job, ask) : acceptedAnswer(call, parts, job, ask);
}

/** 202, and where to look. */
function acceptedAnswer(call: Call, parts: JobParts, job: Job, { notes, headers }: JobAsk): Answer {
  const warnings = notes.map(({ code, detail }) => ({ code, detail }));
  const retryAfter = retryAfterOf(job, parts.jobs, call.gateway.clock);
  return {
    status: 202,
    headers: {
      ...JSON_TYPE,
      location: pathOf(job),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...headers,
    },
    body: [utf8(JSON.stringify({ ...jobObject(call, parts, job), warnings }))],
    facts: {},
    spentMicroUsd: 0,
  };
}

function partsOf({ jobs }: Pick<Gateway, 'jobs'>): JobParts {
  if (jobs === undefined) throw new Error('invariant: endpoints of jobs are served only where jobs are kept');
  return jobs;
}
