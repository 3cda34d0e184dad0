// The attempts of one request over world time, as an inline SVG that stretches: positions are percentages, letters keep
// their size. One row an attempt, the deadline a dashed line, what happened told by colour and by word.
import { formatUsd, ZERO_USD } from '../../domain/money.ts';
import type { TraceEvent } from '../../domain/trace.ts';
import { durationText } from '../duration-text.ts';
import { partName } from '../trace-text.ts';
import { html, type Markup } from './html.ts';

type Fate = 'delivered' | 'failed' | 'aborted' | 'held';
type Bar = {
  readonly title: string;
  readonly queuedMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly fate: Fate;
  readonly says: string;
  readonly heldMs: number | undefined;
};

const ROW_HEIGHT = 46;
const BAR_HEIGHT = 14;
const AXIS_HEIGHT = 26;
const MOST_TICKS = 6;
/** A call answered at once would be a hairline; this much of the width can be seen. */
const LEAST_PERCENT = 0.6;

export function renderTimeline(events: readonly TraceEvent[], budgetMs: number): Markup {
  const bars = barsOf(events);
  const endMs = Math.max(...bars.map((bar) => bar.endMs), events.at(-1)?.atMs ?? 0, 1);
  const showsDeadline = budgetMs <= endMs * 4;
  const spanMs = (showsDeadline ? Math.max(budgetMs, endMs) : endMs) * 1.02;
  const height = bars.length * ROW_HEIGHT + AXIS_HEIGHT;
  const at = (ms: number): string => `${((100 * ms) / spanMs).toFixed(2)}%`;
  const words = bars.map((bar, index) => renderWords(bar, index * ROW_HEIGHT));
  const rows = bars.map((bar, index) => renderBar(bar, index * ROW_HEIGHT, at, spanMs));
  const deadline = showsDeadline ? renderDeadline(budgetMs, height, at) : html``;
  const label = bars.map((bar) => `${bar.title}: ${bar.says}`).join('; ');
  return html`<svg class="timeline" height="${height}" width="100%" role="img" aria-label="${label}">
${renderAxis(spanMs, bars.length * ROW_HEIGHT, at)}${rows}${deadline}${words}</svg>
${showsDeadline ? html`` : html`<p class="note">The deadline, ${durationText(budgetMs)}, lies beyond the right edge.</p>`}`;
}

function barsOf(events: readonly TraceEvent[]): readonly Bar[] {
  return events.flatMap((event): readonly Bar[] => {
    if (event.kind !== 'attempt-start') return [];
    const ofPart = events.filter((other) => other.part === event.part);
    const own = ofPart.filter((other) => 'attempt' in other && other.attempt === event.attempt);
    const end = own.find((other) => other.kind === 'attempt-end');
    const queued = own.find((other) => other.kind === 'attempt-queued');
    const held = own.find((other) => other.kind === 'image-held');
    const reason = event.hedge === undefined ? event.role : `${event.role}, ${event.hedge.replace('-', ' ')}`;
    return [
      {
        title: `${event.part === undefined ? event.attempt : partName(event.part)}  ${event.route}, ${reason}`,
        queuedMs: queued?.atMs ?? event.atMs,
        startMs: event.atMs,
        endMs: end?.atMs ?? ofPart.at(-1)?.atMs ?? event.atMs,
        heldMs: held?.atMs,
        ...fateOf(end, ofPart, held !== undefined),
      },
    ];
  });
}

function fateOf(end: TraceEvent | undefined, events: readonly TraceEvent[], wasHeld: boolean): Pick<Bar, 'fate' | 'says'> {
  if (end?.kind !== 'attempt-end') return { fate: 'aborted', says: 'still running' };
  const last = events.at(-1);
  const possibly = end.possiblyBilled === ZERO_USD ? '' : `, up to ${formatUsd(end.possiblyBilled)}`;
  switch (end.end.kind) {
    case 'delivered': {
      const isTheImage = last?.kind === 'end' && last.attempt === end.attempt;
      return { fate: wasHeld && !isTheImage ? 'held' : 'delivered', says: `delivered, ${formatUsd(end.billed)}` };
    }
    case 'failed': {
      const { fault, billed } = end.end.failure;
      const isOurs = events.some((event) => event.kind === 'attempt-abort' && event.attempt === end.attempt);
      if (isOurs) return { fate: 'aborted', says: `given up${possibly}` };
      return { fate: 'failed', says: `${fault}${billed === 'no' ? ', free' : possibly}` };
    }
    case 'not-sent':
      return { fate: 'aborted', says: 'not sent' };
  }
}

type Place = (ms: number) => string;

function renderBar(bar: Bar, top: number, at: Place, spanMs: number): Markup {
  const width = Math.max(LEAST_PERCENT, (100 * (bar.endMs - bar.startMs)) / spanMs).toFixed(2);
  const y = top + 22;
  const held =
    bar.heldMs === undefined
      ? html``
      : html`<line class="held" x1="${at(bar.heldMs)}" x2="${at(bar.heldMs)}" y1="${y - 3}" y2="${y + BAR_HEIGHT + 3}"/>`;
  return html`<rect class="track" x="0" y="${y}" width="100%" height="${BAR_HEIGHT}" rx="3"/>
<line class="queued" x1="${at(bar.queuedMs)}" x2="${at(bar.startMs)}" y1="${y + BAR_HEIGHT / 2}" y2="${y + BAR_HEIGHT / 2}"/>
<rect class="bar ${bar.fate}" x="${at(bar.startMs)}" y="${y}" width="${width}%" height="${BAR_HEIGHT}" rx="3"><title>${durationText(bar.startMs)} to ${durationText(bar.endMs)}</title></rect>${held}`;
}

function renderWords({ title, fate, says }: Bar, top: number): Markup {
  return html`<text class="who" x="0" y="${top + 15}">${title}</text>
<text class="fate ${fate}" x="100%" y="${top + 15}" text-anchor="end">${says}</text>`;
}

function renderDeadline(budgetMs: number, height: number, at: Place): Markup {
  const x = at(budgetMs);
  return html`<line class="deadline" x1="${x}" x2="${x}" y1="18" y2="${height - AXIS_HEIGHT + 6}"/>
<text class="deadline-label" x="${x}" y="${height - 6}" text-anchor="end">deadline ${durationText(budgetMs)}</text>`;
}

function renderAxis(spanMs: number, top: number, at: Place): Markup {
  const stepMs = niceStepMs(spanMs / MOST_TICKS);
  const ticks = Array.from({ length: Math.floor(spanMs / stepMs) + 1 }, (_, index) => index * stepMs);
  /** Room for the deadline's label at the right. */
  const labelled = ticks.filter((ms) => ms < spanMs * 0.66);
  return html`<g class="axis">${ticks.map((ms) => html`<line x1="${at(ms)}" x2="${at(ms)}" y1="0" y2="${top + 5}"/>`)}
${labelled.map((ms) => html`<text x="${at(ms)}" y="${top + 20}" text-anchor="${ms === 0 ? 'start' : 'middle'}">${durationText(ms).replace(/^0 ms$/, '0 s')}</text>`)}</g>`;
}

/** The next of 1, 2, 5 x 10^k seconds, or of whole and half minutes where those are rounder. */
function niceStepMs(roughMs: number): number {
  const steps = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000];
  return steps.find((step) => step >= roughMs) ?? 600_000;
}
