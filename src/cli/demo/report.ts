// The demo's report: one self-contained page. Pictures are embedded, nothing is fetched, no script runs. It shows for
// each scene what was asked, what was planned, what happened when, what it cost, and whether the promise was kept.
import { formatUsd, microUsd, ZERO_USD } from '../../domain/money.ts';
import { describeCost } from '../cost.ts';
import { durationText } from '../duration-text.ts';
import { needPairs } from '../need-text.ts';
import { attemptLines, planVerdict } from '../plan-text.ts';
import { type Books, booksOf } from './books.ts';
import { deliveriesOf, type Episode, elapsedMsOf, endedAs, reasonOf } from './episode.ts';
import { html, Markup } from './html.ts';
import { type Pictures, renderPictures } from './pictures.ts';
import { REPORT_STYLE } from './report-style.ts';
import { renderTargets } from './targets.ts';
import { renderTimeline } from './timeline.ts';

export type ReportOptions = { readonly isReal: boolean; readonly broken: (episode: Episode) => string | undefined };

export async function renderReport(episodes: readonly Episode[], options: ReportOptions): Promise<string> {
  const scenes: Markup[] = [];
  for (const episode of episodes) scenes.push(renderEpisode(episode, await renderPictures(episode), options.broken(episode)));
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>image-router: ${episodes.length} scenes, good days and bad days</title><style>${new Markup(REPORT_STYLE)}</style></head>
<body><main>
<h1>${episodes.length} scenes, good days and bad days</h1>
<p class="lead">Each request states what it needs: a deadline, how exactly lettering must be drawn, what it may cost. The router plans, sends, watches, and says why. ${whereItRan(options)}</p>
${renderFacts(episodes, options)}
<section class="card"><h2>At a glance</h2><div class="scroll">${renderSummary(episodes)}</div>${LEGEND}</section>
${scenes}
${renderBooks(episodes)}
<footer>Made by image-router demo. World seconds throughout: the clock of each scene was sped up, its numbers were not.</footer>
</main></body></html>`;
  return page.text;
}

function whereItRan({ isReal }: ReportOptions): string {
  return isReal
    ? 'These ran against the real providers, through their official SDKs.'
    : 'These ran against the built-in sandbox, through both official SDKs; the pictures are its stand-ins.';
}

function renderFacts(episodes: readonly Episode[], options: ReportOptions): Markup {
  const kept = episodes.filter((episode) => options.broken(episode) === undefined).length;
  const deliveries = episodes.map(deliveriesOf);
  const images = deliveries.reduce((sum, one) => sum + one.images, 0);
  const inTime = deliveries.reduce((sum, one) => sum + one.inTime, 0);
  const { billed, possiblyBilled } = booksOf(episodes);
  return html`<div class="facts">
<div class="fact"><b>${kept} of ${episodes.length}</b><span>promises kept</span></div>
<div class="fact"><b>${inTime} of ${images}</b><span>images before their deadline</span></div>
<div class="fact"><b>${formatUsd(billed)}</b><span>billed</span></div>
<div class="fact"><b>${formatUsd(possiblyBilled)}</b><span>possibly billed beside it</span></div></div>`;
}

function renderSummary(episodes: readonly Episode[]): Markup {
  return html`<table class="summary"><thead><tr><th>scene</th><th class="need">need</th><th>ended as</th><th class="number">seconds</th><th class="number">cost</th><th class="why">why</th></tr></thead><tbody>
${episodes.map((episode) => {
  const { need, cost, scene } = episode;
  const asked = `${need.tier}, ${need.textAccuracy === 'none' ? 'no' : need.textAccuracy} lettering,`;
  const possibly = cost.possiblyBilled === ZERO_USD ? html`` : html`<br><small>+${formatUsd(cost.possiblyBilled)} possibly</small>`;
  return html`<tr><td class="scene"><a href="#${scene.id}">${scene.title}</a></td><td class="need">${asked} <span class="nowrap">${durationText(need.budgetMs)}</span></td><td class="tight">${endedAs(episode)}</td>
<td class="number">${(elapsedMsOf(episode) / 1_000).toFixed(1)}</td><td class="number">${formatUsd(cost.billed)}${possibly}</td><td class="why">${reasonOf(episode)}</td></tr>`;
})}</tbody></table>`;
}

const LEGEND = html`<p class="legend"><span><i class="delivered"></i>delivered</span><span><i class="failed"></i>failed</span>
<span><i class="aborted"></i>given up</span><span><i class="held"></i>held for a better one</span><span><i class="line"></i>deadline</span></p>`;

function renderEpisode(episode: Episode, pictures: Pictures, broken: string | undefined): Markup {
  const { scene } = episode;
  const verdict =
    broken === undefined
      ? html`<span class="pill kept">kept: ${scene.promise.says}</span>`
      : html`<span class="pill broken">broken: ${broken}</span>`;
  return html`<section class="card" id="${scene.id}">
<div class="head"><h2>${scene.title}</h2>${verdict}</div><p class="story">${scene.story}</p>
<div class="body ${pictures.isWide ? 'wide' : ''}"><div class="picture">${pictures.markup}</div><div>
<blockquote>${scene.request.prompt}</blockquote>
${renderNumbers(episode)}${renderCourse(episode)}
<p class="note">${reasonOf(episode)}</p></div></div>
<details><summary>The need and the plan, with reasons</summary>
${scene.batch === undefined ? html`` : html`<p class="note">Of the first of them; the others ask for the same.</p>`}
<h3>Need, with evidence</h3><dl>${needPairs(episode.need).map(([name, value]) => renderNeed(name, value))}</dl>
<h3>First plan</h3><ol>${attemptLines(episode.plan).map((line) => html`<li>${line}</li>`)}</ol><p class="note">${planVerdict(episode.plan)}</p>
<h3>Every route</h3><div class="scroll">${renderTargets(episode.plan)}</div></details></section>`;
}

function renderNumbers(episode: Episode): Markup {
  const { need, cost, scene } = episode;
  const cap = scene.batch === undefined ? need.maxCost : microUsd(scene.batch.maxCostUsd);
  const allowed = scene.batch === undefined ? `of ${durationText(need.budgetMs)}` : `in all, ${durationText(need.budgetMs)} for each`;
  return html`<div class="numbers"><div><b>${endedAs(episode)}</b><span>ended as</span></div>
<div><b>${durationText(elapsedMsOf(episode))}</b><span>${allowed}</span></div>
<div><b>${describeCost(cost)}</b><span>${cap === undefined ? 'no price cap' : `cap ${formatUsd(cap)}`}</span></div></div>`;
}

/** The timeline of one request; a batch shows its own in the contact sheet. */
function renderCourse({ events, need, scene }: Episode): Markup {
  return scene.batch === undefined ? html`<h3>What happened when</h3>${renderTimeline(events, need.budgetMs)}` : html``;
}

function renderNeed(name: string, value: string): Markup {
  const [conclusion = value, ...evidence] = value.split('  (');
  const because = evidence.length === 0 ? html`` : html` <small>${evidence.join(' (').replace(/\)$/, '')}</small>`;
  return html`<dt>${name}</dt><dd>${conclusion}${because}</dd>`;
}

function renderBooks(episodes: readonly Episode[]): Markup {
  const books = booksOf(episodes);
  if (books.ledger === undefined) return html``;
  return html`<section class="card"><h2>The money, from both sides</h2>
<p class="story gap">The router counts what it knows to be billed and, apart, what a call it gave up may still cost. The sandbox keeps a provider's books.</p>
<div class="scroll"><table><thead><tr><th>scene</th><th class="number">router: billed</th><th class="number">router: possibly</th><th class="number">provider's books</th></tr></thead><tbody>
${episodes.map((episode) => bookRow(episode.scene.title, { ...episode.cost, ledger: episode.ledgerBilled }))}${bookRow('Sum', books)}</tbody></table></div></section>`;
}

function bookRow(title: string, { billed, possiblyBilled, ledger }: Books): Markup {
  return html`<tr><td>${title}</td><td class="number">${formatUsd(billed)}</td><td class="number">${formatUsd(possiblyBilled)}</td><td class="number">${ledger === undefined ? '-' : formatUsd(ledger)}</td></tr>`;
}
