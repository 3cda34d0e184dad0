// Which rules meet a call. Rules apply in the order they were injected, each bending the course the earlier ones left, so
// `slow` and `slow-body` compose and a later outage has the last word. Matching and chance are pure; only the number of
// times a counted rule has struck is remembered.
import type { z } from 'zod';
import type { ImageCall } from '../call.ts';
import { type DrawKey, streamFor } from '../model/draws.ts';
import { type FaultRule, FaultRuleSchema, type FaultScript, FaultScriptSchema } from './rule.ts';
import { FAULTS } from './table.ts';

const NO_FORM = ['emptyData', 'emptyObject'];

/** Parses a rule; throws RangeError naming field and rule, also for parameters the fault does not take. */
export function parseFaultRule(value: unknown, at = 'rule'): FaultRule {
  const parsed = FaultRuleSchema.safeParse(value);
  if (!parsed.success) throw new RangeError(complaintOf(parsed.error, at));
  checkParameters(parsed.data, at);
  return Object.freeze(parsed.data);
}

/** Parses a script file's content. Throws RangeError. */
export function parseFaultScript(value: unknown): FaultScript {
  const parsed = FaultScriptSchema.safeParse(value);
  if (!parsed.success) throw new RangeError(complaintOf(parsed.error, 'script'));
  return { rules: parsed.data.rules.map((rule, index) => parseFaultRule(rule, `script.rules.${index}`)) };
}

function complaintOf(error: z.ZodError, at: string): string {
  const issue = error.issues[0];
  const path = [at, ...(issue?.path ?? [])].join('.');
  const hint = issue?.code === 'unrecognized_keys' ? `; known are ${Object.keys(FaultRuleSchema.shape).join(', ')}` : '';
  return `${path}: ${issue?.message ?? 'is not a fault rule'}${hint}`;
}

const SELECTORS = ['fault', 'face', 'model', 'quality', 'probability', 'perPrompt', 'count', 'fromMs', 'untilMs', 'upMs', 'downMs'];

function checkParameters(rule: FaultRule, at: string): void {
  const entry = FAULTS[rule.fault];
  const allowed: readonly string[] = [...SELECTORS, ...entry.parameters];
  const given = Object.entries(rule).flatMap(([name, value]) => (value === undefined ? [] : name));
  checkSelectors(rule, at);
  const foreign = given.find((name) => !allowed.includes(name));
  if (foreign !== undefined) {
    const takes = entry.parameters.length === 0 ? 'no parameters' : entry.parameters.join(', ');
    throw new RangeError(`${at}.${foreign}: does not apply to fault "${rule.fault}", which takes ${takes}`);
  }
  if ((rule.face === 'openai' || rule.face === 'google') && entry[rule.face] === undefined) {
    throw new RangeError(`${at}.face: fault "${rule.fault}" does not exist on ${rule.face}`);
  }
  if (rule.form !== undefined && rule.face === 'openai' && !NO_FORM.includes(rule.form)) {
    throw new RangeError(`${at}.form: "${rule.form}" does not exist on openai, which knows ${NO_FORM.join(', ')}`);
  }
}

function checkSelectors(rule: FaultRule, at: string): void {
  if (rule.fromMs !== undefined && rule.untilMs !== undefined && rule.untilMs <= rule.fromMs) {
    throw new RangeError(`${at}.untilMs: must be after fromMs ${rule.fromMs}, got ${rule.untilMs}`);
  }
  if ((rule.upMs === undefined) !== (rule.downMs === undefined)) {
    throw new RangeError(`${at}.${rule.upMs === undefined ? 'upMs' : 'downMs'}: must be given too; flapping takes both`);
  }
  if (rule.perPrompt !== undefined && rule.probability === undefined) {
    throw new RangeError(`${at}.perPrompt: needs a probability`);
  }
}

export type Strike = { readonly rule: FaultRule; readonly ordinal: number };

export type Injector = {
  inject(rule: FaultRule): () => void;
  /** The rules that strike this call, in order. Counts them. */
  strikes(call: ImageCall, atMs: number, key: DrawKey): readonly Strike[];
  rules(): readonly FaultRule[];
  clear(): void;
};

type Armed = { readonly rule: FaultRule; readonly ordinal: number; left: number };

export function createInjector(): Injector {
  const armed = new Set<Armed>();
  let injected = 0;
  return {
    inject: (rule) => {
      injected += 1;
      const entry: Armed = { rule, ordinal: injected, left: rule.count ?? Number.POSITIVE_INFINITY };
      armed.add(entry);
      return () => {
        armed.delete(entry);
      };
    },
    strikes: (call, atMs, key) => {
      const struck = [...armed].filter(
        ({ rule, ordinal, left }) => left > 0 && meets(rule, call, atMs) && chance(rule, ordinal, call, key),
      );
      for (const entry of struck) entry.left -= 1;
      return struck.map(({ rule, ordinal }) => ({ rule, ordinal }));
    },
    rules: () => [...armed].filter((entry) => entry.left > 0).map((entry) => entry.rule),
    clear: () => armed.clear(),
  };
}

/** Whether the rule speaks of this call at this time. */
function meets(rule: FaultRule, call: ImageCall, atMs: number): boolean {
  const entry = FAULTS[rule.fault];
  return (
    entry[call.protocol] !== undefined &&
    (entry.only?.(call) ?? true) &&
    (rule.face === undefined || rule.face === call.face) &&
    (rule.model === undefined || rule.model === call.model) &&
    (rule.quality === undefined || rule.quality === call.quality) &&
    isDown(rule, atMs)
  );
}

function isDown(
  { fromMs = 0, untilMs = Number.POSITIVE_INFINITY, upMs = 0, downMs = Number.POSITIVE_INFINITY }: FaultRule,
  atMs: number,
): boolean {
  return atMs >= fromMs && atMs < untilMs && (upMs === 0 || (atMs - fromMs) % (upMs + downMs) >= upMs);
}

function chance(rule: FaultRule, ordinal: number, call: ImageCall, key: DrawKey): boolean {
  if (rule.probability === undefined) return true;
  const drawn = rule.perPrompt === true ? { seed: key.seed, question: call.prompt, occurrence: 0 } : key;
  return streamFor(drawn, `strike-${ordinal}`).next() < rule.probability;
}
