// What happens to a job, as server-sent events. Every event has a number, so a client that was cut off goes on after the last
// one it saw (Last-Event-ID, which browsers send by themselves, or ?after=). Ends after the job's last event; a gateway that
// drains ends it earlier, and the client finds the rest at the next one.
import { z } from 'zod';
import { hasEnded, JOB_STATES, type Job, type JobEvent, type JobState } from '../../../domain/job.ts';
import { utf8 } from '../answer.ts';
import type { Call } from '../call.ts';
import { startHeartbeat } from '../heartbeat.ts';
import { Refusal } from '../refusal.ts';
import { openEvents } from '../send.ts';
import { snakeCase } from '../snake-case.ts';
import { jobObject } from './job-object.ts';
import type { JobParts } from './job-parts.ts';

/** Resolves as soon as the stream has begun. */
export function streamJobEvents(call: Call, parts: JobParts, job: Job): Response {
  const after = lastSeen(call);
  const outlet = openEvents(call);
  const stopHeartbeat = startHeartbeat(call, outlet);
  const left = new AbortController();
  call.whenEnded(() => left.abort());
  if (call.gateway.isDraining()) left.abort();
  const stopDrain = call.gateway.whenDraining(() => left.abort());
  const send = async (): Promise<void> => {
    for await (const event of parts.jobs.watch(job.principal, job.id, after, left.signal)) {
      outlet.write([utf8(await eventText(call, parts, job, event))]);
    }
  };
  const sent = send()
    .catch((error: unknown) => call.gateway.observer.http({ kind: 'request-defect', id: call.id, where: 'job-events', error }))
    .finally(() => {
      stopDrain();
      stopHeartbeat();
      outlet.end();
    });
  call.gateway.work.track(sent);
  return outlet.response;
}

/** Events that change what there is to see carry the job in the state they tell of; the others are small. */
async function eventText(call: Call, parts: JobParts, job: Job, { seq, at, kind, data }: JobEvent): Promise<string> {
  const state = JOB_STATES.find((known) => kind === `job.${known}`);
  const now = state === undefined ? undefined : await parts.jobs.find(job.principal, job.id);
  const told = {
    type: kind,
    seq,
    created_at: Math.floor(at / 1_000),
    job_id: job.id,
    data: inDollars(snakeCase(data)),
    ...(now === undefined || state === undefined ? {} : { job: jobObject(call, parts, inState(now, state)) }),
  };
  return `id: ${seq}\nevent: ${kind}\ndata: ${JSON.stringify(told)}\n\n`;
}

/**
 * A job is kept as it is, not as it was: an event that is read later gets back its own state, and nothing that only an end brings.
 * What grows on the way (previews, cost, runs) is as it is now.
 */
function inState(job: Job, state: JobState): Job {
  return hasEnded(state) ? job : { ...job, state, endedAt: undefined, images: [], degraded: undefined, error: undefined };
}

const MoneySchema = z.int().min(0);

/** Written down in micro-dollars, told in dollars, and called so, like every amount a caller sees. */
function inDollars(told: unknown): Readonly<Record<string, unknown>> {
  const data = z.record(z.string(), z.unknown()).parse(told);
  const { billed, possibly_billed, cost, ...rest } = data;
  const money = (amount: unknown): number => MoneySchema.parse(amount) / 1_000_000;
  if (cost !== undefined) {
    const { billed: known, possibly_billed: unknown } = z.object({ billed: MoneySchema, possibly_billed: MoneySchema }).parse(cost);
    return { ...rest, cost_usd: { billed: money(known), possibly_billed: money(unknown) } };
  }
  return billed === undefined ? data : { ...rest, cost_usd: { billed: money(billed), possibly_billed: money(possibly_billed) } };
}

/** Throws Refusal. */
function lastSeen(call: Call): number {
  const text = call.query.get('after') ?? call.headers.get('last-event-id') ?? '0';
  if (/^\d{1,15}$/.test(text.trim())) return Number(text);
  const message = 'after, or Last-Event-ID, must be the number of an event: 0 or more.';
  throw new Refusal({ status: 400, code: 'invalid_value', message, param: 'after' });
}
