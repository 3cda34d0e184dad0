// The scenes of the demo, as data: a request, what breaks meanwhile, how fast the world's clock runs, and what is promised
// of the ending. A promise that is not kept makes the demo fail, so it cannot quietly stop being true.
import type { ErrorCode } from '../../domain/error.ts';
import type { ImageRequest } from '../../domain/request.ts';
import type { FaultRule } from '../../sandbox/index.ts';

export type Scene = {
  readonly id: string;
  readonly title: string;
  /** What happens and what to look for, in a sentence or two. */
  readonly story: string;
  readonly request: ImageRequest;
  /** The scene whose picture is worked from: makes it an edit. */
  readonly edits?: string;
  /** Many requests instead of one: `request` with each of these prompts. */
  readonly batch?: SceneBatch;
  /** What is wrong with the world from its start. Scenes with a fault run against the sandbox only. */
  readonly fault?: FaultRule;
  /** Made for the sandbox's own list of refused prompts: not to be sent to a real provider. */
  readonly sandboxOnly?: boolean;
  /** World seconds per real second: quick scenes slowly, so that this machine's own work does not distort them. */
  readonly speed: number;
  readonly promise: ScenePromise;
};

export type SceneBatch = { readonly prompts: readonly string[]; readonly concurrency: number; readonly maxCostUsd: number };

export type ScenePromise = {
  /** The promise in words, as report and table say it. */
  readonly says: string;
  /** The error it must end with; left out, an image must be delivered in time and under the cap. */
  readonly error?: ErrorCode;
  readonly route?: string;
  /** An attempt of this role must have been sent. */
  readonly role?: 'fallback' | 'hedge';
  readonly degraded?: boolean;
  /** Routes that the price cap must have excluded. */
  readonly pricedOut?: readonly string[];
  /** Sooner would mean that the world's clock or its latencies are not what they are said to be. */
  readonly atLeastSeconds?: number;
  /** Exactly so many calls may have been sent. */
  readonly calls?: number;
  /** A preview must have come before the image. */
  readonly preview?: boolean;
  /** Of a batch: all of it by then. */
  readonly withinSeconds?: number;
};

const ANIMALS = ['fox', 'dog', 'bird', 'cat', 'bear'];
const SETTINGS = ['in the rain', 'at sunrise', 'in tall grass', 'beside a pond'];
const SKETCHES = SETTINGS.flatMap((setting) => ANIMALS.map((animal) => `Quick pencil sketch of a ${animal} ${setting}`));

export const SCENES: readonly Scene[] = [
  {
    id: 'chat-preview',
    title: 'A person waits in a chat',
    story: 'Eight seconds and not one more: a preview at low quality, for about half a cent.',
    request: { prompt: 'A red fox asleep in fresh snow, soft morning light', policy: 'chat', latencyBudgetMs: 8_000 },
    speed: 2,
    promise: { says: 'a preview within 8 s', route: 'gpt-image-2-low', degraded: false, calls: 1, atLeastSeconds: 2 },
  },
  {
    id: 'blog-cover',
    title: 'Standard traffic',
    story: 'An article cover: landscape, medium quality, because nobody pays four times as much for a difference nobody sees.',
    request: { prompt: 'A ceramic teapot on a walnut table beside a window, steam rising, warm evening light', policy: 'blog-cover' },
    speed: 10,
    promise: { says: 'a standard image', route: 'gpt-image-2-medium', degraded: false, calls: 1, atLeastSeconds: 15 },
  },
  {
    id: 'poster',
    title: 'A poster whose words must be right',
    story: 'The quoted words make lettering exact, and only high quality draws it: minutes of rendering, waited for on purpose.',
    request: {
      prompt: 'Jazz festival poster, deep blue, a saxophone, with the words "Midnight Jazz at the Harbour, Friday 9 pm, Pier 12"',
      policy: 'poster',
    },
    speed: 40,
    promise: { says: 'lettering at its best', route: 'gpt-image-2-high', degraded: false, atLeastSeconds: 60 },
  },
  {
    id: 'preview-then-final',
    title: 'Something to look at while the real one is made',
    story: 'One request, one price cap, two pictures: a quick preview, then the standard image it stands for.',
    request: {
      prompt: 'A small wooden boat on a mountain lake, autumn forest, mirror-still water',
      preview: true,
      latencyBudgetMs: 90_000,
      maxCostUsd: 0.3,
    },
    speed: 8,
    promise: { says: 'a preview first, then the image', route: 'gpt-image-2-medium', degraded: false, preview: true },
  },
  {
    id: 'edit',
    title: 'Working from a picture',
    story: 'The fox of the first scene comes back as a reference image. Only routes that can edit are asked, and its tokens are paid for.',
    request: { prompt: 'The same picture hanging in a quiet gallery, evening light', latencyBudgetMs: 120_000 },
    edits: 'chat-preview',
    speed: 10,
    promise: { says: 'an edit of an earlier picture', degraded: false, calls: 1 },
  },
  {
    id: 'sketches',
    title: 'Twenty sketches, five at a time',
    story: 'A batch under one price cap: twenty previews in about the time of four, and no failure would lose a sibling.',
    request: {
      prompt: 'Quick pencil sketches of five animals in four settings',
      tier: 'preview',
      latencyBudgetMs: 20_000,
      maxCostUsd: 0.03,
      format: 'webp',
    },
    batch: { prompts: SKETCHES, concurrency: 5, maxCostUsd: 0.4 },
    speed: 4,
    promise: { says: 'all twenty, within 45 s and $0.40', withinSeconds: 45 },
  },
  {
    id: 'outage',
    title: 'OpenAI is down',
    story: 'Its 503s are free, so it is asked again at once; then what is left of the budget goes to the other vendor.',
    request: { prompt: 'A lighthouse on a cliff at dusk, waves below, watercolour', policy: 'e-commerce', latencyBudgetMs: 40_000 },
    fault: { fault: 'outage', face: 'openai' },
    speed: 5,
    promise: { says: 'a fallback to nano-banana-pro', route: 'nano-banana-pro', role: 'fallback' },
  },
  {
    id: 'silence',
    title: 'OpenAI accepts the call and says nothing',
    story: 'No error ever comes. A second call is started beside the silent one, in time for it to arrive before the deadline.',
    request: {
      prompt: 'A hot-air balloon drifting over terraced rice fields at sunrise',
      latencyBudgetMs: 50_000,
      format: 'jpeg',
      compression: 85,
    },
    fault: { fault: 'hang', face: 'openai' },
    speed: 6,
    promise: { says: 'a hedge that beats the deadline', route: 'nano-banana-pro', role: 'hedge' },
  },
  {
    id: 'price-cap',
    title: 'Six cents and not a cent more',
    story:
      'Exact lettering within a minute would go to the dearer vendor. The cap leaves it out before anything is sent, and the result says so.',
    request: {
      prompt: 'Bakery window sign with the words "Fresh bread every morning from six"',
      latencyBudgetMs: 60_000,
      maxCostUsd: 0.06,
    },
    speed: 10,
    promise: {
      says: 'under $0.06, dearer routes left out',
      route: 'gpt-image-2-medium',
      degraded: true,
      pricedOut: ['gpt-image-2-high', 'nano-banana-pro'],
    },
  },
  {
    id: 'refused',
    title: 'A prompt that moderation refuses',
    story: 'Refused before it was drawn. It is not shopped around: no other vendor sees the prompt, and nothing is billed.',
    request: { prompt: 'A hospital corridor with graphic gore', policy: 'chat' },
    sandboxOnly: true,
    speed: 1.5,
    promise: { says: 'a clear refusal, asked once', error: 'refused', calls: 1 },
  },
];
