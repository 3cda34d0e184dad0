// A need for people and for machines: each conclusion beside the evidence it rests on.
import { dollars, formatUsd } from '../domain/money.ts';
import type { Evidence, Need, NeedField } from '../domain/need.ts';
import { formatSize } from '../domain/size.ts';
import { durationText } from './duration-text.ts';

/** Rows of name and value, evidence included. */
export function needPairs(need: Need): readonly (readonly [name: string, value: string])[] {
  const because = (field: NeedField): string => {
    const said = need.evidence.filter((evidence) => evidence.field === field).map(describeEvidence);
    return said.length === 0 ? '' : `  (${said.join('; ')})`;
  };
  const format = need.compression === undefined ? need.format : `${need.format} ${need.compression}`;
  return [
    ['lettering', `${need.textAccuracy}${because('textAccuracy')}`],
    ['complexity', `${need.complexity}, ${need.elements} ${need.elements === 1 ? 'element' : 'elements'}${because('complexity')}`],
    ['tier', `${need.tier}${because('tier')}`],
    ['size', `${formatSize(need.size)}${because('size')}`],
    ['output', `${need.n} x ${format}${because('format')}`],
    ['deadline', `${durationText(need.budgetMs)}${because('budget')}`],
    ['price cap', need.maxCost === undefined ? 'none' : formatUsd(need.maxCost)],
    ['may degrade', need.mayDegrade.length === 0 ? 'nothing' : need.mayDegrade.join(', ')],
    ['policy', need.policy.id],
  ];
}

export function describeEvidence({ detail, quote }: Evidence): string {
  return quote === undefined || detail.includes(quote) ? detail : `${detail}: "${quote}"`;
}

export function needJson(need: Need): Record<string, unknown> {
  const { policy, maxCost, size, prompt: _, ...rest } = need;
  return { ...rest, size: formatSize(size), maxCostUsd: maxCost === undefined ? undefined : dollars(maxCost), policy: policy.id };
}
