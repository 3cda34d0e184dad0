// Test, then confirm. A refusal after a three-minute premium render costs minutes and perhaps money; the same refusal from
// a moderation endpoint costs neither, and from a low render half a cent. Whoever was refused lately changes the prompt and
// tries again: that prompt goes to low first, because moderation endpoints see words and renders see pictures.
import { BoundedMap } from '../domain/bounded-map.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import type { Need } from '../domain/need.ts';
import { after, type InstantMs } from '../domain/time.ts';
import type { Engine } from '../execute/engine.ts';

export type Verdict =
  | { readonly kind: 'passed' | 'unavailable'; readonly cause: string }
  | { readonly kind: 'refused'; readonly cause: string };

/** A refusal is remembered for as long as somebody works on a prompt. */
const MEMORY_MS = 10 * 60_000;
/** Tenants remembered; the oldest is forgotten first. */
const MOST_TENANTS = 10_000;
/** A moderation endpoint answers within a second; waiting longer would cost more than it saves. */
const PATIENCE_MS = 5_000;

export class Precheck {
  readonly #engine: Engine;
  readonly #refusedAt = new BoundedMap<string, InstantMs>(MOST_TENANTS);

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Whether this need is to be tested before it is rendered. */
  applies(need: Need): boolean {
    return need.policy.precheck && need.tier === 'premium';
  }

  wasRefusedLately(need: Need): boolean {
    const at = this.#refusedAt.get(need.tenant ?? '');
    return at !== undefined && this.#engine.clock.now() < after(at, MEMORY_MS);
  }

  remember(need: Need): void {
    const tenant = need.tenant ?? '';
    this.#refusedAt.take(tenant);
    this.#refusedAt.set(tenant, this.#engine.clock.now());
  }

  /** Puts the prompt to a moderation endpoint. Never rejects: without an answer in time, or by `deadline`, it is `unavailable`. */
  async moderate(need: Need, deadline: InstantMs, signal: AbortSignal | undefined): Promise<Verdict> {
    const { openai } = this.#engine.providers;
    const endpoint: Endpoint['id'] | undefined = this.#engine.targets.find((target) => target.route.provider === 'openai')?.endpoint;
    if (openai.moderate === undefined || endpoint === undefined)
      return { kind: 'unavailable', cause: 'no provider has a moderation endpoint' };
    const patience = new AbortController();
    const { clock } = this.#engine;
    const patienceMs = Math.min(PATIENCE_MS, deadline - clock.now());
    const cancel = clock.timer(patienceMs, () => patience.abort(), { background: true });
    const answer = await openai.moderate(
      need.prompt,
      endpoint,
      signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]),
    );
    cancel();
    if (answer.kind === 'passed') return { kind: 'passed', cause: `the moderation of ${endpoint} lets it pass` };
    return answer.kind === 'refused' ? { kind: 'refused', cause: answer.message } : { kind: 'unavailable', cause: answer.reason };
  }
}
