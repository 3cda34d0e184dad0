// The requests of a soak: every shape a caller may ask for, in every way a caller may behave, drawn from one seed. What
// comes of a caller and when it comes is decided here as a value; calls.ts plays it.
import sharp from 'sharp';
import type { ImageRequest } from '../../src/index.ts';
import { type Random, seededRandom } from '../../src/system/random.ts';

/** How a caller uses the router. `leaves`: gives up after this share of its budget. */
export type Manner =
  | { readonly kind: 'waits' }
  | { readonly kind: 'leaves'; readonly atShare: number }
  | { readonly kind: 'previews'; readonly answer: 'accept' | 'continue' }
  /** `leavesAfter`: leaves the loop after so many events. */
  | { readonly kind: 'streams'; readonly leavesAfter: number | undefined; readonly withPreview: boolean }
  | { readonly kind: 'batches'; readonly others: readonly ImageRequest[]; readonly maxCostUsd: number | undefined };

export type Caller = { readonly arrivesMs: number; readonly request: ImageRequest; readonly manner: Manner };

/** Reference and mask for edits: small, because what is soaked is not the upload. */
export type Material = { readonly reference: Uint8Array; readonly mask: Uint8Array };

/** World milliseconds between two callers, in the mean: some ten calls in flight at any time. */
export const ARRIVAL_GAP_MS = 1_500;
const EDGE = 512;
const BATCH = [2, 3, 4] as const;

const PROMPTS = [
  'a red fox asleep in fresh snow',
  'a quick sketch of a lighthouse in fog',
  "A poster that says 'Jazz Night, Friday 9 pm, free entry'",
  'product photo of a blue mug on white, logo "Nordlys"',
  'isometric city at night, rain, neon, a crowd with umbrellas, highly detailed',
  '猫 playing the piano, watercolour',
  'an infographic of the water cycle with six labelled steps',
  'a sign that says "OPEN"',
] as const;
const POLICIES = [
  'default',
  'chat',
  'backend',
  'e-commerce',
  'social-post',
  'blog-cover',
  'thumbnail',
  'sketches',
  'assistant',
  'poster',
] as const;
const SIZES = ['1024x1024', '1536x1024', '1024x1536', '1280x720', '1024x768', 'auto'] as const;
const RATIOS = ['16:9', '1:1', '4:5', '3:2'] as const;
/** From hopeless to generous. */
const BUDGETS_MS = [4_000, 8_000, 12_000, 20_000, 45_000, 90_000, 180_000, 300_000] as const;
/** From two low pictures to many. */
const CAPS_USD = [0.015, 0.06, 0.15, 0.3, 1] as const;

export async function makeMaterial(): Promise<Material> {
  const square = (alpha: number): Promise<Buffer> =>
    sharp({ create: { width: EDGE, height: EDGE, channels: 4, background: { r: 120, g: 90, b: 60, alpha } } })
      .png()
      .toBuffer();
  const hole = { input: await square(0), blend: 'dest-out' } as const;
  return {
    reference: await square(1),
    mask: await sharp(await square(0.5))
      .composite([hole])
      .png()
      .toBuffer(),
  };
}

/** `count` requests, those inside batches included, in order of arrival. */
export function drawCallers(count: number, seed: number, material: Material): readonly Caller[] {
  const random = seededRandom(`soak ${seed}`);
  const callers: Caller[] = [];
  let arrivesMs = 0;
  for (let drawn = 0; drawn < count; ) {
    arrivesMs += -Math.log(1 - random.next()) * ARRIVAL_GAP_MS;
    const request = drawRequest(random, material);
    const manner = drawManner(random, material, count - drawn);
    callers.push({ arrivesMs, request: wantsPreview(manner) ? { ...request, preview: true } : request, manner });
    drawn += manner.kind === 'batches' ? 1 + manner.others.length : 1;
  }
  return callers;
}

function wantsPreview(manner: Manner): boolean {
  return manner.kind === 'previews' || (manner.kind === 'streams' && manner.withPreview);
}

function drawManner(random: Random, material: Material, left: number): Manner {
  const draw = random.next();
  if (draw < 0.1) return { kind: 'leaves', atShare: random.next() };
  if (draw < 0.16) return { kind: 'previews', answer: random.next() < 0.3 ? 'accept' : 'continue' };
  if (draw < 0.26) {
    const leavesAfter = random.next() < 0.25 ? 1 + Math.floor(random.next() * 3) : undefined;
    return { kind: 'streams', leavesAfter, withPreview: random.next() < 0.3 };
  }
  const size = pick(random, BATCH);
  if (draw < 0.31 && size <= left) {
    const others = Array.from({ length: size - 1 }, () => drawRequest(random, material));
    return { kind: 'batches', others, maxCostUsd: random.next() < 0.5 ? pick(random, CAPS_USD) * size : undefined };
  }
  return { kind: 'waits' };
}

function drawRequest(random: Random, material: Material): ImageRequest {
  const maybe = <Field>(share: number, field: () => Field): Field | Record<never, never> => (random.next() < share ? field() : {});
  const format = pick(random, ['png', 'jpeg', 'webp'] as const);
  return {
    prompt: `${pick(random, PROMPTS)} #${Math.floor(random.next() * 1e9)}`,
    policy: pick(random, POLICIES),
    latencyBudgetMs: pick(random, BUDGETS_MS),
    ...maybe(0.4, () => ({ size: pick(random, SIZES) })),
    ...maybe(0.35, () => ({ n: 1 + Math.floor(random.next() * 4), consistent: random.next() < 0.3 })),
    ...maybe(0.5, () => ({ format, ...(format === 'png' ? {} : { compression: 60 + Math.floor(random.next() * 40) }) })),
    ...maybe(0.35, () => ({ maxCostUsd: pick(random, CAPS_USD) })),
    ...maybe(0.15, () => ({ textAccuracy: pick(random, ['none', 'some', 'exact'] as const) })),
    ...maybe(0.1, () => ({ tier: pick(random, ['preview', 'standard', 'premium'] as const) })),
    ...maybe(0.1, () => ({ onLate: pick(random, ['degrade', 'fail'] as const) })),
    ...maybe(0.1, () => ({ tenant: `tenant-${Math.floor(random.next() * 20)}` })),
    ...maybe(0.08, () => ({ referenceImages: [material.reference], ...(random.next() < 0.4 ? { mask: material.mask } : {}) })),
    ...maybe(0.08, () => ({ size: 'auto', aspectRatio: pick(random, RATIOS) })),
  };
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError('items must not be empty');
  return item;
}
