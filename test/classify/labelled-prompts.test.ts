// How well the reader does on real, labelled prompts. The data is kept outside the repository; where it is absent the
// measurement is skipped and says so. The floors stand a little below what was measured, so that a change that makes
// reading worse is seen, and one that moves a handful of prompts is not.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readPrompt } from '../../src/classify/read-prompt.ts';
import { TEXT_ACCURACIES, type TextAccuracy } from '../../src/domain/vocabulary.ts';

const FOLDER = new URL('../../../shared/data/prompts/', import.meta.url);
const PromptSchema = z.object({
  source: z.string(),
  prompt: z.string(),
  need: z.enum(TEXT_ACCURACIES),
  borderline: z.boolean(),
  hard: z.string().nullable(),
});
const CountSchema = z.object({ source: z.string(), prompt: z.string(), n_entities: z.number().nullable() });

function load<Row>(name: string, schema: z.ZodType<Row>): readonly Row[] {
  const file = new URL(name, FOLDER);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

const prompts = load('dev.jsonl', PromptSchema);
const counts = load('complexity.jsonl', CountSchema).flatMap(({ n_entities, ...row }) =>
  n_entities === null ? [] : [{ ...row, entities: n_entities }],
);
const isAbsent = prompts.length === 0 || counts.length === 0;
if (isAbsent) console.info(`labelled prompts are not at ${FOLDER.pathname}: accuracy is not measured`);

type Scored = { readonly need: TextAccuracy; readonly got: TextAccuracy };

function accuracy(rows: readonly Scored[]): number {
  return rows.filter((row) => row.need === row.got).length / rows.length;
}

function macroF1(rows: readonly Scored[]): number {
  const scores = TEXT_ACCURACIES.map((label) => {
    const hits = rows.filter((row) => row.need === label && row.got === label).length;
    const named = rows.filter((row) => row.need === label).length + rows.filter((row) => row.got === label).length;
    return named === 0 ? 0 : (2 * hits) / named;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function ranks(values: readonly number[]): readonly number[] {
  return values.map((value) => values.filter((other) => other < value).length + values.filter((other) => other === value).length / 2);
}

/** Spearman's rank correlation. */
function correlate(left: readonly number[], right: readonly number[]): number {
  const centre = (values: readonly number[]): readonly number[] => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const a = centre(ranks(left));
  const b = centre(ranks(right));
  const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe('labelled prompts', () => {
  const isReal = (source: string): boolean => /^(?:youmind|awesome-|imagereward)/.test(source);
  const scored = prompts.map((row) => ({ ...row, got: readPrompt(row.prompt).textAccuracy }));

  it.skipIf(isAbsent).each([
    ['all', () => true, 0.9, 0.89],
    ['all but borderline', (row: (typeof scored)[number]) => !row.borderline, 0.93, 0.92],
    ['real users', (row: (typeof scored)[number]) => isReal(row.source), 0.85, 0.81],
    ['benchmarks', (row: (typeof scored)[number]) => !isReal(row.source), 0.92, 0.91],
    ['hard', (row: (typeof scored)[number]) => row.hard !== null, 0.84, 0.8],
  ] as const)('text accuracy of %s is read as people read it', (_, belongs, leastAccuracy, leastF1) => {
    const rows = scored.filter(belongs);
    expect(accuracy(rows)).toBeGreaterThan(leastAccuracy);
    expect(macroF1(rows)).toBeGreaterThan(leastF1);
  });

  it.skipIf(isAbsent)('counted things follow annotated things better than the length of the prompt does', () => {
    const rows = counts.filter((row) => row.source === 'dsg1k');
    const entities = rows.map((row) => row.entities);
    const byLength = correlate(
      rows.map((row) => row.prompt.length),
      entities,
    );
    const byElements = correlate(
      rows.map((row) => readPrompt(row.prompt).elements),
      entities,
    );
    expect(byElements).toBeGreaterThan(0.5);
    expect(byElements).toBeGreaterThan(byLength + 0.1);
  });
});
