// Chooses the tier: what the caller insists on, else what the policy insists on, else the policy's table read by budget and
// text need. Beside it stands the tier an unhurried caller would get, so that everybody can see what the budget cost.
import type { Evidence } from '../domain/need.ts';
import type { Policy } from '../domain/policy.ts';
import type { ParsedRequest } from '../domain/request.ts';
import type { Quality, TextAccuracy, Tier } from '../domain/vocabulary.ts';

/** The qualities of gpt-image-2 as tiers (architecture: preview low, standard medium, premium high). */
const TIER_OF_QUALITY: Readonly<Record<Quality, Tier>> = { low: 'preview', medium: 'standard', high: 'premium' };

export type TierChoice = { readonly tier: Tier; readonly unhurriedTier: Tier; readonly evidence: Evidence };

/** `budgetMs` is the budget somebody stated; undefined reads the table as an unhurried caller. */
export function chooseTier(request: ParsedRequest, policy: Policy, text: TextAccuracy, budgetMs: number | undefined): TierChoice {
  if (request.tier !== undefined) return insisted(request.tier, 'caller', `the caller insists on ${request.tier}`);
  if (request.quality !== undefined && request.quality !== 'auto') {
    const tier = TIER_OF_QUALITY[request.quality];
    return insisted(tier, 'caller', `the caller insists on quality ${request.quality}, which is ${tier}`);
  }
  if (policy.defaults.tier !== undefined) {
    return insisted(policy.defaults.tier, 'policy', `policy ${policy.id} always uses ${policy.defaults.tier}`);
  }
  return fromTable(policy, text, budgetMs);
}

function insisted(tier: Tier, rule: string, detail: string): TierChoice {
  return { tier, unhurriedTier: tier, evidence: { field: 'tier', rule, detail } };
}

function fromTable(policy: Policy, text: TextAccuracy, budgetMs: number | undefined): TierChoice {
  const last = policy.tiers.at(-1);
  const row =
    budgetMs === undefined ? last : (policy.tiers.find((candidate) => (candidate.upToMs ?? Number.POSITIVE_INFINITY) >= budgetMs) ?? last);
  if (!row || !last) throw new RangeError(`policy ${policy.id} must have at least one row of tiers, got none`);
  const time =
    budgetMs === undefined
      ? 'without a budget'
      : row.upToMs === undefined
        ? `with ${budgetMs} ms, beyond every limit`
        : `with ${budgetMs} ms, up to ${row.upToMs} ms`;
  const detail = `${time}, lettering ${text}: ${row[text]}${row[text] === last[text] ? '' : `; unhurried it would be ${last[text]}`}`;
  return { tier: row[text], unhurriedTier: last[text], evidence: { field: 'tier', rule: 'tier-table', detail } };
}
