// May this job be accepted? A bad request is an error now, not a failed job later; so is one that no route could ever meet.
// What only stands in the way for a while, a sick provider or its rate limit, does not: a job has time. The most a job may
// cost is reserved under its id and stays so until the job has ended.
import type { JobOrigin } from '../../../domain/job.ts';
import { type MicroUsd, microUsd } from '../../../domain/money.ts';
import type { Need } from '../../../domain/need.ts';
import { isHindered } from '../../../domain/plan.ts';
import type { ImageRequest } from '../../../domain/request.ts';
import type { Explanation } from '../../../index.ts';
import type { JobOrder } from '../../../jobs/jobs.ts';
import { checkPictures } from '../../../router/intake.ts';
import { infeasibleError } from '../../../router/result.ts';
import type { Lease, Principal } from '../../ports.ts';
import type { Call } from '../call.ts';
import type { Gateway } from '../gateway.ts';
import { fromDenial } from '../openai/errors.ts';
import { worstOf } from '../worst-cost.ts';

/** A job to be, as it was asked for. */
export type WantedJob = {
  readonly request: ImageRequest;
  readonly model: string;
  readonly origin: JobOrigin;
  readonly lineage: string | undefined;
  /** World milliseconds; undefined: the gateway's default. */
  readonly lifeMs: number | undefined;
  /** What its family leaves of its cap; undefined: there is no other job in it, so `request.maxCostUsd` is the cap. */
  readonly capLeft: MicroUsd | undefined;
  /** The newest of its family when it was decided on; undefined: there is no other job in it. */
  readonly newestSeen?: number;
};

export type CheckedJob = WantedJob & {
  readonly maxCost: MicroUsd;
  /** What one run of it may cost: its cap, or without one its plan at worst. */
  readonly worstCost: MicroUsd;
  /** What its request was read as. */
  readonly need: Need;
  /** What its images cost at the cheapest route that will do; undefined while none is to be had. */
  readonly leastCost: MicroUsd | undefined;
};

/** A request's budget is at most a day; a job that lives longer is planned anew each time it is begun. */
const LONGEST_BUDGET_MS = 86_400_000;

/**
 * A job that names no cap is one all the same, for nothing may be doubled in silence. A worker that is shut down or dies leaves
 * a call that may have been billed: there is money for two such runs and one that delivers.
 */
const RUNS_PAID_FOR = 3;

/** Throws ImageRouterError `invalid_request` or `infeasible`. */
export async function checkJob(gateway: Gateway, wanted: WantedJob, defaultLifeMs: number): Promise<CheckedJob> {
  await checkPictures(wanted.request);
  return checkWords(gateway, wanted, defaultLifeMs);
}

/** The same for a request without pictures, or whose pictures were checked. */
export function checkWords(gateway: Gateway, wanted: WantedJob, defaultLifeMs: number): CheckedJob {
  const { request, lifeMs = defaultLifeMs, capLeft } = wanted;
  const latencyBudgetMs = wanted.lifeMs === undefined ? Math.min(lifeMs, LONGEST_BUDGET_MS) : lifeMs;
  const cap = capLeft === undefined ? {} : { maxCostUsd: capLeft / 1_000_000 };
  const asked = { ...request, ...cap, latencyBudgetMs };
  const router = gateway.router();
  const explanation = router.explain(asked);
  // A sick route is no obstacle, for a job has time; and its cap is to be enough for what it will be made by then.
  const { plan } = explanation;
  const onceWell = plan.excluded.some(isHindered) ? router.explain(asked, { onceWell: true }) : explanation;
  if (plan.kind === 'infeasible' && onceWell.plan.kind === 'infeasible') throw infeasibleError(plan, gateway.ids.next('req'), 0);
  const given = capLeft ?? (request.maxCostUsd === undefined ? undefined : microUsd(request.maxCostUsd));
  const worstCost = given ?? moreOf(worstOf(explanation), worstOf(onceWell));
  const maxCost = given ?? ((worstCost * RUNS_PAID_FOR) as MicroUsd);
  return { ...wanted, lifeMs, maxCost, worstCost, need: explanation.need, leastCost: leastOf(explanation) };
}

function moreOf(one: MicroUsd, other: MicroUsd): MicroUsd {
  return one > other ? one : other;
}

function leastOf({ plan, parts }: Explanation): MicroUsd | undefined {
  const ceilings = plan.forecasts.map(({ price }) => price.ceiling * parts);
  return ceilings.length === 0 ? undefined : (Math.min(...ceilings) as MicroUsd);
}

/** Takes the job's place inside its key's limits. Throws Refusal. */
export async function admitJob({ gateway, principal }: Call, id: string, { request, model, maxCost }: CheckedJob): Promise<Lease> {
  const lease = await gateway.gatekeeper.admit(principal, {
    requestId: id,
    images: request.n ?? 1,
    mostMicroUsd: maxCost,
    policy: request.policy,
    model,
    keptBy: 'job',
  });
  if ('settle' in lease) return lease;
  throw fromDenial(lease, gateway);
}

export function jobOrder(principal: Principal, id: string, checked: CheckedJob): JobOrder {
  const { request, model, origin, lineage, maxCost, newestSeen, lifeMs } = checked;
  const { latencyBudgetMs: _, ...kept } = request;
  return { id, principal: principal.id, request: kept, model, origin, lineage, maxCost, newestSeen, lifeMs };
}
