// What goes wrong during a soak: a drizzle of every fault at every face all the time, and spells in which one thing is
// badly broken, as shares of the whole so that a short soak meets them all.
import type { Face, FaultId, FaultRule, FaultScript } from '../../src/sandbox/index.ts';

const FACES: readonly Face[] = ['openai', 'google', 'aggregator'];

/** Share of calls that meet each fault of the drizzle: together about one in eight. */
const DRIZZLE = 0.006;
const EVERYWHERE: readonly FaultId[] = [
  'outage',
  'err500',
  'html5xx',
  'reset',
  'reset-mid-body',
  'hang',
  'slow',
  'slow-body',
  'rate429',
  'moderation-input',
  'moderation-output',
  'no-image',
  'html200',
  'err200',
  'truncated-json',
  'bad-base64',
  'wrong-magic',
  'wrong-size',
  'idle-cut',
];

type Spell = Omit<FaultRule, 'fromMs' | 'untilMs'> & { readonly from: number; readonly until: number };

const SPELLS: readonly Spell[] = [
  { fault: 'hang', face: 'openai', from: 0.08, until: 0.16 },
  { fault: 'outage', face: 'google', from: 0.22, until: 0.3 },
  { fault: 'rate429', face: 'openai', probability: 0.5, retryAfterAs: 'date', from: 0.34, until: 0.38 },
  { fault: 'auth401', face: 'aggregator', from: 0.4, until: 0.44 },
  { fault: 'outage', from: 0.5, until: 0.53 },
  { fault: 'slow', face: 'google', factor: 3, from: 0.58, until: 0.66 },
  { fault: 'model404', face: 'openai', model: 'gpt-image-2', from: 0.68, until: 0.72 },
  { fault: 'err500', face: 'openai', probability: 0.5, afterGeneration: true, from: 0.75, until: 0.8 },
  { fault: 'reset', face: 'google', billed: true, from: 0.82, until: 0.86 },
  { fault: 'billing400', face: 'openai', from: 0.88, until: 0.9 },
];

/** The faults of a soak whose callers arrive within `lengthMs` of world time. */
export function weatherOf(lengthMs: number): FaultScript {
  const drizzle = FACES.flatMap((face) => EVERYWHERE.map((fault): FaultRule => ({ fault, face, probability: DRIZZLE })));
  const spells = SPELLS.map(
    ({ from, until, ...rule }): FaultRule => ({ ...rule, fromMs: Math.round(from * lengthMs), untilMs: Math.round(until * lengthMs) }),
  );
  return { rules: [...spells, ...drizzle] };
}
