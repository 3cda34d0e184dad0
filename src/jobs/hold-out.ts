// Whether a job is made now or waits for better: where sick routes leave only what is below its need, and it would get what it
// needs once they are well. It waits as long as its policy lets a caller wait for a picture of its tier, and never for more than a
// share of its life; then it takes what there is, as a request does at once.
import { isHindered, type Plan } from '../domain/plan.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { ImageRouter } from '../router/image-router.ts';
import { type RunEnd, type RunFacts, waitOut } from './run-end.ts';

/** What remains is enough to make it, whatever became of the routes. */
const SHARE_OF_LIFE = 0.25;

/** Undefined: make it now. Throws ImageRouterError `invalid_request`. */
export function holdOut(router: Pick<ImageRouter, 'explain'>, request: ImageRequest, facts: RunFacts): RunEnd | undefined {
  const { createdAt, deadlineAt } = facts.job;
  const { need, plan } = router.explain(request);
  if (plan.kind === 'infeasible' || !isBelow(plan)) return undefined;
  const patienceMs = Math.min(need.policy.patienceMs[need.tier], (deadlineAt - createdAt) * SHARE_OF_LIFE);
  if (facts.now - createdAt >= patienceMs) return undefined;
  const { plan: onceWell } = router.explain(request, { onceWell: true });
  if (onceWell.kind === 'infeasible' || isBelow(onceWell)) return undefined;
  const [best] = onceWell.attempts;
  const sick = plan.excluded.find(({ target }) => target === best?.target);
  // Another limit keeps it out, such as what is left of its cap: that is not over by waiting.
  if (sick === undefined || !isHindered(sick)) return undefined;
  const end = waitOut({ code: 'providers_failed', message: `waits for ${best?.route}: ${sick.detail}` }, facts, undefined);
  return end.kind === 'again' ? end : undefined;
}

/** What would be made first is below what is needed. */
function isBelow({ attempts, forecasts }: Plan): boolean {
  const [first] = attempts;
  return forecasts.some(({ target, below }) => target === first?.target && below.length > 0);
}
