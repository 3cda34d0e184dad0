// Which prompts the sandbox's safety systems refuse: a short public list, so that a demo or a test can ask for a refusal
// by writing it. Everything else passes; chance refusals are faults (`moderation-input`, `moderation-output`).

/** Before the model sees the prompt (openai: 400 in 1-3 s; google: promptFeedback.blockReason), or after the picture was made. */
export type ModerationStage = 'input' | 'output';

/** Trigger -> stage. Compared without regard to case, anywhere in the prompt. */
export const MODERATION_TRIGGERS: Readonly<Record<string, ModerationStage>> = {
  '[moderation]': 'input',
  '[moderation-input]': 'input',
  'graphic gore': 'input',
  '[moderation-output]': 'output',
};

export function moderationOf(prompt: string): ModerationStage | undefined {
  const lower = prompt.toLowerCase();
  return Object.entries(MODERATION_TRIGGERS).find(([trigger]) => lower.includes(trigger))?.[1];
}
