// The demo from first scene to report: plays the scenes one after another, tells each ending as it comes, compares the
// router's accounts with the provider's books, and checks every promise.

import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatUsd, ZERO_USD } from '../../domain/money.ts';
import { describeCost } from '../cost.ts';
import { durationText } from '../duration-text.ts';
import { columnsOf, type Io, print } from '../io.ts';
import { makeWritable } from '../output-files.ts';
import { type Paint, paintFor } from '../paint.ts';
import { type Column, renderTable } from '../table.ts';
import { booksOf } from './books.ts';
import { brokenPromise, type Episode, elapsedMsOf, endedAs, limitsBroken, reasonOf } from './episode.ts';
import { play, type Stage } from './play.ts';
import { renderReport } from './report.ts';
import { SCENES, type Scene } from './scenes.ts';

export type Demo = Omit<Stage, 'folder' | 'earlier'> & { readonly out: string };
export type DemoOutcome = { readonly report: string; readonly broken: readonly string[] };

const COLUMNS: readonly Column[] = [
  { title: 'need' },
  { title: 'ended as' },
  { title: 'seconds', align: 'right' },
  { title: 'cost', align: 'right' },
  { title: 'why' },
];

export async function runDemo(demo: Demo, io: Io): Promise<DemoOutcome> {
  const out = resolve(io.cwd, demo.out);
  const folder = join(out, 'images');
  await makeWritable(folder, 'out');
  const paint = paintFor(io.stdout, io.env);
  const episodes: Episode[] = [];
  const scenes = demo.isReal ? SCENES.filter((scene) => scene.fault === undefined && scene.sandboxOnly !== true) : SCENES;
  for (const [index, scene] of scenes.entries()) {
    print(io.stdout, introduction(scene, index, scenes.length, demo, paint));
    const episode = await play(scene, { ...demo, folder, earlier: episodes }, io);
    episodes.push(episode);
    print(io.stdout, `${ending(episode, demo, paint)}\n`);
  }
  print(io.stdout, renderTable(COLUMNS, episodes.map(episodeRow), columnsOf(io.stdout)));
  const report = join(out, 'report.html');
  await writeFile(report, await renderReport(episodes, { isReal: demo.isReal, broken: (episode) => broken(episode, demo) }));
  print(io.stdout, `\n${moneyLine(episodes)}`);
  const promises = episodes.flatMap((episode) => {
    const problem = broken(episode, demo);
    return problem === undefined ? [] : [`${episode.scene.title}: ${problem}`];
  });
  return { report, broken: promises };
}

/** Real providers owe no particular ending; the limits hold against anybody. */
function broken(episode: Episode, demo: Pick<Demo, 'isReal'>): string | undefined {
  return demo.isReal ? limitsBroken(episode) : brokenPromise(episode);
}

function introduction(scene: Scene, index: number, count: number, demo: Demo, paint: Paint): string {
  const speed = demo.isReal ? 1 : (demo.speed ?? scene.speed);
  const pace = speed === 1 ? '' : paint('dim', `  (${speed} times real speed)`);
  return `${paint('bold', `${index + 1}/${count}  ${scene.title}`)}${pace}\n     ${paint('dim', scene.request.prompt)}`;
}

function ending(episode: Episode, demo: Demo, paint: Paint): string {
  const problem = broken(episode, demo);
  const verdict = problem === undefined ? paint('green', `kept: ${episode.scene.promise.says}`) : paint('red', `BROKEN: ${problem}`);
  const facts = `${endedAs(episode)}, ${durationText(elapsedMsOf(episode))}, ${describeCost(episode.cost)}`;
  return `     ${facts}\n     ${verdict}`;
}

function episodeRow(episode: Episode): readonly string[] {
  const { need, cost } = episode;
  const lettering = need.textAccuracy === 'none' ? '' : `, ${need.textAccuracy} lettering`;
  const seconds = (elapsedMsOf(episode) / 1_000).toFixed(1);
  const possibly = cost.possiblyBilled === ZERO_USD ? '' : ` (+${formatUsd(cost.possiblyBilled)}?)`;
  const asked = `${need.tier}${lettering}, ${durationText(need.budgetMs)}`;
  return [asked, endedAs(episode), seconds, `${formatUsd(cost.billed)}${possibly}`, reasonOf(episode)];
}

function moneyLine(episodes: readonly Episode[]): string {
  const { billed, possiblyBilled, ledger } = booksOf(episodes);
  const own = `router: ${formatUsd(billed)} billed, ${formatUsd(possiblyBilled)} possibly billed`;
  return ledger === undefined ? own : `${own}; the sandbox's books: ${formatUsd(ledger)} billed`;
}
