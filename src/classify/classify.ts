// Request + policy + what the prompt says -> need: every field explicit, each conclusion with who or what led to it. What the
// caller states always wins; then the policy; then the reading of the prompt. It chooses no route and looks at no clock.
import { BoundedMap } from '../domain/bounded-map.ts';
import { type MicroUsd, microUsd } from '../domain/money.ts';
import type { Evidence, Need, PromptReading, Warning } from '../domain/need.ts';
import type { Policy } from '../domain/policy.ts';
import { type ParsedRequest, REQUEST_SIZES } from '../domain/request.ts';
import { chooseSize, formatSize, type Size } from '../domain/size.ts';
import type { Background, ImageFormat, TextAccuracy, Tier } from '../domain/vocabulary.ts';
import { advise } from './advice.ts';
import { chooseShape } from './geometry.ts';
import { readPrompt } from './read-prompt.ts';
import { chooseTier } from './tier.ts';

/** Reads the request under the policy. Pure and total: any parsed request has a need. */
export function classify(request: ParsedRequest, policy: Policy): Need {
  const reading = readingOf(request.prompt);
  const text = chooseText(request, policy, reading);
  const statedMs = request.latencyBudgetMs ?? policy.defaults.latencyBudgetMs;
  const tier = chooseTier(request, policy, text.textAccuracy, statedMs);
  const budget = chooseBudget(request, policy, tier.tier);
  const shape = chooseShape(request, policy.defaults);
  const background = request.background ?? policy.defaults.background;
  const output = chooseOutput(request, policy, background);
  return {
    operation: request.referenceImages === undefined ? 'generate' : 'edit',
    prompt: request.prompt,
    textAccuracy: text.textAccuracy,
    elements: reading.elements,
    complexity: reading.complexity,
    tier: tier.tier,
    unhurriedTier: tier.unhurriedTier,
    size: shape.size,
    format: output.format,
    compression: output.compression,
    background,
    n: request.n ?? policy.defaults.n,
    references: request.referenceImages?.length ?? 0,
    hasMask: request.mask !== undefined,
    partials: 0,
    budgetMs: budget.budgetMs,
    maxCost: chooseCap(request, policy, request.n ?? policy.defaults.n),
    quality: request.quality === 'auto' ? undefined : request.quality,
    route: request.route,
    model: request.model,
    mayDegrade: (request.onLate ?? policy.defaults.onLate) === 'fail' ? [] : policy.mayDegrade,
    tenant: request.tenant,
    policy,
    evidence: [...text.evidence, tier.evidence, ...budget.evidence, ...sizeEvidence(shape, policy), ...output.evidence],
    warnings: [
      ...explicitWarnings(request, shape.size, tier.tier),
      ...sizeWarnings(shape.size),
      ...advise(request.prompt, reading, tier.tier),
    ],
  };
}

/**
 * Of the prompts read last. The same one is read again when a key's budget or a job is admitted, by every repeat of a client's
 * library, and by all who ask for a few of a kind.
 */
const readings = new BoundedMap<string, PromptReading>(64);
const LONGEST_KEPT = 4_000;

function readingOf(prompt: string): PromptReading {
  const known = readings.get(prompt);
  if (known !== undefined) return known;
  const reading = readPrompt(prompt);
  // Its evidence goes out with every need of this prompt: what one caller does to it must not reach another.
  for (const item of reading.evidence) Object.freeze(item);
  if (prompt.length <= LONGEST_KEPT) readings.set(prompt, reading);
  return reading;
}

function chooseText(
  request: ParsedRequest,
  policy: Policy,
  reading: PromptReading,
): { textAccuracy: TextAccuracy; evidence: readonly Evidence[] } {
  const others = reading.evidence.filter((item) => item.field !== 'textAccuracy');
  if (request.textAccuracy !== undefined && request.textAccuracy !== 'auto') {
    const detail = `the caller says ${request.textAccuracy}`;
    return { textAccuracy: request.textAccuracy, evidence: [{ field: 'textAccuracy', rule: 'caller', detail }, ...others] };
  }
  const assumed = policy.defaults.textAccuracy;
  if (request.textAccuracy === undefined && assumed !== 'auto') {
    const detail = `policy ${policy.id} assumes ${assumed}`;
    return { textAccuracy: assumed, evidence: [{ field: 'textAccuracy', rule: 'policy', detail }, ...others] };
  }
  return { textAccuracy: reading.textAccuracy, evidence: reading.evidence };
}

function chooseBudget(request: ParsedRequest, policy: Policy, tier: Tier): { budgetMs: number; evidence: readonly Evidence[] } {
  if (request.latencyBudgetMs !== undefined) return { budgetMs: request.latencyBudgetMs, evidence: [] };
  const stated = policy.defaults.latencyBudgetMs;
  const budgetMs = stated ?? policy.patienceMs[tier];
  const detail =
    stated === undefined ? `callers of policy ${policy.id} wait ${budgetMs} ms for ${tier}` : `policy ${policy.id} gives ${budgetMs} ms`;
  return { budgetMs, evidence: [{ field: 'budget', rule: stated === undefined ? 'patience' : 'policy', detail }] };
}

function sizeEvidence(shape: ReturnType<typeof chooseShape>, policy: Policy): readonly Evidence[] {
  const size = formatSize(shape.size);
  if (shape.said === size && shape.rule === 'caller') return [];
  const details = {
    caller: `${shape.said} as pixels is ${size}`,
    policy: `policy ${policy.id} says ${shape.said}: ${size}`,
    default: `nobody said a size: ${size}, right for most requests`,
  };
  return [{ field: 'size', rule: shape.rule, detail: details[shape.rule] }];
}

type Output = { readonly format: ImageFormat; readonly compression: number | undefined; readonly evidence: readonly Evidence[] };

function chooseOutput(request: ParsedRequest, policy: Policy, background: Background): Output {
  const { format: usual, compression: assumed } = policy.defaults;
  if (request.format !== undefined) {
    return { format: request.format, compression: compressionFor(request, request.format, assumed), evidence: [] };
  }
  const format = chooseFormat(request, usual, background);
  const rule = format === usual ? 'policy' : background === 'transparent' ? 'transparency' : 'compression';
  const details = {
    policy: `policy ${policy.id} says ${format}`,
    transparency: `a transparent background cannot be ${usual}: ${format}`,
    compression: `a stated compression cannot be ${usual}: ${format}`,
  };
  return { format, compression: compressionFor(request, format, assumed), evidence: [{ field: 'format', rule, detail: details[rule] }] };
}

/** The policy's format, unless what the caller did state cannot be had in it. */
function chooseFormat(request: ParsedRequest, usual: ImageFormat, background: Background): ImageFormat {
  if (request.compression !== undefined && usual === 'png') return background === 'transparent' ? 'webp' : 'jpeg';
  if (background === 'transparent' && usual === 'jpeg') return request.compression === undefined ? 'png' : 'webp';
  return usual;
}

/** png has no compression: the policy's is dropped then, the caller's never meets png. */
function compressionFor(request: ParsedRequest, format: ImageFormat, assumed: number | undefined): number | undefined {
  return format === 'png' ? undefined : (request.compression ?? assumed);
}

/** The caller's cap holds for the whole request, a policy's for each image. */
function chooseCap(request: ParsedRequest, policy: Policy, n: number): MicroUsd | undefined {
  const assumed = policy.defaults.maxCostUsd;
  const cap = request.maxCostUsd ?? (assumed === undefined ? undefined : assumed * n);
  return cap === undefined ? undefined : microUsd(cap);
}

/** A router always sends explicit settings: `auto` leans to the expensive ones. */
function explicitWarnings(request: ParsedRequest, size: Size, tier: Tier): readonly Warning[] {
  const made = [
    ...(request.size === 'auto' ? [`size auto was made ${formatSize(size)}`] : []),
    ...(request.quality === 'auto' ? [`quality auto was made the ${tier} tier`] : []),
  ];
  return made.map((detail) => ({ code: 'auto-made-explicit', detail }));
}

function sizeWarnings(size: Size): readonly Warning[] {
  const choice = chooseSize(REQUEST_SIZES, size);
  if (choice.kind !== 'exact' || !choice.experimental) return [];
  return [{ code: 'experimental-size', detail: `${formatSize(size)} is above 2560x1440: providers call such sizes experimental` }];
}
