// Small worlds for tests: targets of the built-in catalogue and views of them, healthy unless said otherwise.
import { builtInPolicies } from '../../policies/index.ts';
import { builtInRoutes } from '../../routes/index.ts';
import { priorDistribution, shapeFactor } from '../../src/domain/latency.ts';
import type { MicroUsd } from '../../src/domain/money.ts';
import type { Need } from '../../src/domain/need.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { type Target, type TargetId, targetId } from '../../src/domain/route.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import type { HealthView, TargetView } from '../../src/domain/view.ts';
import type { EndpointId, LatencyProfile } from '../../src/domain/vocabulary.ts';
import type { Situation } from '../../src/plan/situation.ts';

export function policyNamed(id: string): Policy {
  const policy = builtInPolicies.find((candidate) => candidate.id === id);
  if (policy === undefined) throw new Error(`no policy ${id}`);
  return policy;
}

/** Every built-in route at one endpoint named after its provider. */
export const targets: readonly Target[] = builtInRoutes.map((route) => {
  const endpoint = route.provider as unknown as EndpointId;
  return { id: targetId(route.id, endpoint), route, endpoint };
});

export function targetNamed(route: string): TargetId {
  const target = targets.find((candidate) => candidate.route.id === route);
  if (target === undefined) throw new Error(`no target ${route}`);
  return target.id;
}

/** A view from the priors alone, with `changes` laid over single routes. */
export function priorView(profile: LatencyProfile = 'brief', changes: Readonly<Record<string, Partial<TargetView>>> = {}): HealthView {
  return (id) => {
    const target = targets.find((candidate) => candidate.id === id);
    if (target === undefined) throw new Error(`no target ${id}`);
    const prior = target.route.latency[profile];
    return {
      target: id,
      admission: { kind: 'closed' },
      notBefore: undefined,
      success: prior.success,
      queueWaitMs: 0,
      inFlight: 0,
      waiting: 0,
      silent: false,
      latency: (shape) => priorDistribution(prior, shapeFactor(target.route.latency, shape)),
      ...changes[target.route.id],
    };
  };
}

export function needOf(changes: Partial<Need> = {}): Need {
  return {
    operation: 'generate',
    prompt: 'a red fox in the snow',
    textAccuracy: 'none',
    elements: 2,
    complexity: 'normal',
    tier: 'standard',
    unhurriedTier: 'standard',
    size: { width: 1024, height: 1024 },
    format: 'png',
    compression: undefined,
    background: 'auto',
    n: 1,
    references: 0,
    hasMask: false,
    partials: 0,
    budgetMs: 60_000,
    maxCost: undefined,
    quality: undefined,
    route: undefined,
    model: undefined,
    mayDegrade: ['tier', 'text', 'geometry'],
    tenant: undefined,
    policy: policyNamed('default'),
    evidence: [],
    warnings: [],
    ...changes,
  };
}

export function situationOf(changes: Partial<Omit<Situation, 'need'>> & { readonly need?: Partial<Need> } = {}): Situation {
  const need = needOf(changes.need);
  const now = (changes.now ?? 0) as InstantMs;
  return {
    targets,
    view: priorView(),
    deadline: (now + need.budgetMs) as InstantMs,
    committed: 0 as MicroUsd,
    hedgesCommitted: 0 as MicroUsd,
    running: [],
    heldValueUsd: 0,
    attemptsLeft: 3,
    setbacks: [],
    setAside: new Map(),
    notBefore: new Map(),
    ...changes,
    now,
    need,
  };
}
