// What a request asks for, once read: every field explicit, each conclusion with the evidence it rests on.
import type { MicroUsd } from './money.ts';
import type { Policy } from './policy.ts';
import type { Size } from './size.ts';
import type { Background, Complexity, Degradable, ImageFormat, Operation, Quality, RouteId, TextAccuracy, Tier } from './vocabulary.ts';

/** Why a field of the need is what it is. `quote` is the part of the prompt that says so, when there is one. */
export type Evidence = {
  readonly field: NeedField;
  /** Slug of the rule that spoke: `quoted-text`, `lettering-noun`, `caller`, `policy`, `tier-table`... */
  readonly rule: string;
  readonly detail: string;
  readonly quote?: string;
};
export type NeedField = 'textAccuracy' | 'complexity' | 'tier' | 'size' | 'budget' | 'format' | 'language';

/** What the words of a prompt say by themselves, before budget and policy are looked at. */
export type PromptReading = {
  readonly textAccuracy: TextAccuracy;
  /** Distinct things the prompt describes: a count, comparable between prompts. */
  readonly elements: number;
  readonly complexity: Complexity;
  readonly words: number;
  readonly evidence: readonly Evidence[];
};

export type Need = {
  readonly operation: Operation;
  readonly prompt: string;
  readonly textAccuracy: TextAccuracy;
  readonly elements: number;
  readonly complexity: Complexity;
  /** The tier that budget, text need and policy lead to. */
  readonly tier: Tier;
  /** The tier an unhurried caller would get: above `tier`, the budget is what held it down. */
  readonly unhurriedTier: Tier;
  readonly size: Size;
  readonly format: ImageFormat;
  readonly compression: number | undefined;
  readonly background: Background;
  readonly n: number;
  /** Reference images of an edit, and whether a mask came with them; the bytes travel beside the need. */
  readonly references: number;
  readonly hasMask: boolean;
  /** Interim pictures the caller wants to see, from routes that stream them. */
  readonly partials: number;
  /** Milliseconds from arrival to the deadline. */
  readonly budgetMs: number;
  readonly maxCost: MicroUsd | undefined;
  readonly quality: Quality | undefined;
  readonly route: RouteId | undefined;
  readonly model: string | undefined;
  readonly mayDegrade: readonly Degradable[];
  readonly tenant: string | undefined;
  readonly policy: Policy;
  readonly evidence: readonly Evidence[];
  /** Advice that costs nothing to heed: long prompts, late core elements, experimental sizes. */
  readonly warnings: readonly Warning[];
};

export type WarningCode =
  | 'prompt-too-long'
  | 'core-elements-late'
  | 'experimental-size'
  | 'auto-made-explicit'
  | 'geometry-changed'
  | 'format-converted'
  | 'images-missing';
export type Warning = { readonly code: WarningCode; readonly detail: string };
