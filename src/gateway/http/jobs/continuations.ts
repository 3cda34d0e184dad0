// A job that continues another: its accepted preview becomes a premium render, or the same prompt is made once more, a tier up.
// Both belong to the family of the first and share its price cap: what all of them together have cost, and what those that
// still run may cost, is taken off before the next one is priced.
import { isDeepStrictEqual } from 'node:util';
import { hasEnded, type Job, OPEN_STATES, type StoredImage } from '../../../domain/job.ts';
import { dollars, formatUsd, type MicroUsd, microUsd, ZERO_USD } from '../../../domain/money.ts';
import type { ImageRequest } from '../../../domain/request.ts';
import { TIERS, type Tier, tierRank } from '../../../domain/vocabulary.ts';
import { Refusal } from '../refusal.ts';
import type { WantedJob } from './job-admission.ts';
import type { OpenAlready } from './job-answer.ts';
import { picturesGone } from './job-end.ts';
import type { JobParts } from './job-parts.ts';

export type FinalizeWish = {
  readonly preview: number;
  /** The preview itself is a picture to work from. */
  readonly useAsReference: boolean;
  readonly maxCostUsd: number | undefined;
};

/** OpenAI's limit of reference images. */
const MOST_REFERENCES = 16;
/** A family has a handful of members; the page must hold all that may still cost something. */
const LARGEST_FAMILY = 100;

/** Throws Refusal when there is nothing to finalize. */
export async function finalizing(parts: JobParts, parent: Job, wish: FinalizeWish): Promise<WantedJob | OpenAlready> {
  if (!hasEnded(parent.state)) throw notEnded();
  if (parent.images.some(({ tier }) => tier === 'premium')) throw alreadyPremium();
  // Without previews of its own a sketch was the job: then its images are what somebody chooses from.
  const choices = parent.previews.length > 0 ? parent.previews : parent.images;
  const chosen = choices[wish.preview];
  if (chosen === undefined) throw noSuchPreview(choices.length);
  const request = await requestOf(parts, parent);
  const { mask, referenceImages = [] } = request;
  const picture = wish.useAsReference ? await bytesOf(parts, parent, chosen) : undefined;
  // A mask belongs to the first picture, which then stays the first.
  const references =
    picture === undefined ? referenceImages : mask === undefined ? [picture, ...referenceImages] : [...referenceImages, picture];
  if (references.length > MOST_REFERENCES) throw tooManyReferences();
  const pictures = references.length === 0 ? {} : { referenceImages: [...references] };
  const origin = { kind: 'finalize', parent: parent.id, preview: wish.preview } as const;
  return continuing(parts, parent, { ...request, ...pictures, n: 1 }, 'premium', origin, wish.maxCostUsd);
}

/** Throws Refusal when there is nothing better, or nothing to better. */
export async function upgrading(parts: JobParts, parent: Job, maxCostUsd: number | undefined): Promise<WantedJob | OpenAlready> {
  if (!hasEnded(parent.state)) throw notEnded();
  const best = Math.max(-1, ...[...parent.images, ...parent.previews].map(({ tier }) => tierRank(tier)));
  if (best < 0) throw nothingToUpgrade();
  const next = TIERS[best + 1];
  if (next === undefined) throw alreadyPremium();
  const origin = { kind: 'upgrade', parent: parent.id } as const;
  return continuing(parts, parent, await requestOf(parts, parent), next, origin, maxCostUsd);
}

async function continuing(
  parts: JobParts,
  parent: Job,
  request: ImageRequest,
  tier: Tier,
  origin: WantedJob['origin'],
  maxCostUsd: number | undefined,
): Promise<WantedJob | OpenAlready> {
  // First of all: whoever joins the family from here on is found out when this one is accepted. What it has cost comes last, so
  // that one that ends meanwhile is counted twice rather than not at all.
  const { newest: newestSeen } = await parts.jobs.family(parent.principal, parent.lineage);
  const open = await openFamily(parts, parent);
  const twin = open.find((job) => isSame(job, request, origin));
  if (twin !== undefined) return { open: twin };
  // What chose the parent's tier would contradict the new one.
  const { quality: _, route: __, model: ___, preview: ____, maxCostUsd: familyCap, ...rest } = request;
  const capUsd = maxCostUsd ?? familyCap;
  return {
    request: { ...rest, tier, ...(capUsd === undefined ? {} : { maxCostUsd: capUsd }) },
    model: tier,
    origin,
    lineage: parent.lineage,
    lifeMs: undefined,
    capLeft: capUsd === undefined ? undefined : await capLeft(parts, parent, open, microUsd(capUsd)),
    newestSeen,
  };
}

/** Those of the family that have not ended. */
function openFamily({ jobs }: JobParts, { principal, lineage }: Job): Promise<readonly Job[]> {
  const query = { principal, lineage, batch: undefined, after: undefined, limit: LARGEST_FAMILY };
  return jobs.list({ ...query, states: OPEN_STATES });
}

/** A button that was pressed twice: the same step from the same job, from as many pictures. */
function isSame(job: Job, { referenceImages = [] }: ImageRequest, origin: WantedJob['origin']): boolean {
  return isDeepStrictEqual(job.origin, origin) && (job.request.referenceBlobs ?? []).length === referenceImages.length;
}

/** Throws Refusal when nothing is. */
async function capLeft({ jobs }: JobParts, { principal, lineage }: Job, open: readonly Job[], cap: MicroUsd): Promise<MicroUsd> {
  const { cost: spent } = await jobs.family(principal, lineage);
  const promised = open.reduce((sum, { cost, maxCost = ZERO_USD }) => sum + Math.max(0, maxCost - cost.billed - cost.possiblyBilled), 0);
  const left = cap - spent.billed - spent.possiblyBilled - promised;
  if (left > 0) return left as MicroUsd;
  throw new Refusal({
    status: 422,
    code: 'price_cap_reached',
    message: `The job and those it continues may cost ${formatUsd(cap)} together, and have cost ${formatUsd(spentOf(cap, left))} or may yet.`,
    param: 'max_cost_usd',
    remedy: `give a max_cost_usd above ${dollars(spentOf(cap, left))} for all of them together`,
  });
}

function spentOf(cap: number, left: number): MicroUsd {
  return (cap - left) as MicroUsd;
}

async function requestOf({ jobs }: JobParts, parent: Job): Promise<ImageRequest> {
  const request = await jobs.request(parent);
  if (request === undefined) throw new Refusal(picturesGone(parent));
  return request;
}

async function bytesOf({ jobs }: JobParts, parent: Job, image: StoredImage): Promise<Uint8Array> {
  const bytes = await jobs.content(image, undefined);
  if (bytes === undefined) throw new Refusal(picturesGone(parent));
  return bytes;
}

function notEnded(): Refusal {
  const message = 'The job has not ended yet.';
  return new Refusal({ status: 409, code: 'job_not_ended', message, remedy: 'wait for its end, or cancel it first' });
}

function alreadyPremium(): Refusal {
  const message = 'The job has premium images already: there is no better tier.';
  return new Refusal({ status: 409, code: 'job_already_premium', message, remedy: 'hand in a new job for another picture' });
}

const HAND_IN_ANEW = 'hand the request in again; its error says why nothing was made';

function nothingToUpgrade(): Refusal {
  const message = 'The job made no image that could be made better.';
  return new Refusal({ status: 409, code: 'nothing_to_continue', message, remedy: HAND_IN_ANEW });
}

function noSuchPreview(count: number): Refusal {
  if (count === 0) {
    const nothing = 'The job made no preview that could become final.';
    return new Refusal({ status: 409, code: 'nothing_to_continue', message: nothing, remedy: HAND_IN_ANEW });
  }
  const message =
    count === 1
      ? 'The job has one to choose from: preview must be 0.'
      : `The job has ${count} to choose from: preview must be 0 to ${count - 1}.`;
  return new Refusal({ status: 400, code: 'invalid_value', message, param: 'preview' });
}

function tooManyReferences(): Refusal {
  const message = `The job has as many reference images as there may be (${MOST_REFERENCES}); the preview cannot be one more.`;
  return new Refusal({ status: 400, code: 'invalid_value', message, param: 'use_as_reference' });
}
