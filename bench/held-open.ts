// Ten thousand requests held open at once while their renders take a minute: what each costs the gateway in
// resident memory, and how each of them ends. `npm run bench:held-open`.
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtInRoutes } from '../routes/index.ts';
import { BODY, gatewayAt } from './gateway/contenders.ts';
import { startChild } from './support/child.ts';
import { printLine } from './support/print.ts';
import { quantile } from './support/statistics.ts';

const WAITING = 10_000;
const WARM_UP = 500;
/** Calls upstream at once: two sockets a request must fit into the 20 000 files many systems allow; the rest queue behind. */
const PLACES = 9_000;
const SILENCE_MS = 60_000;
const BUDGET_MS = 180_000;
/** Bytes of resident memory a waiting request may cost. */
const GOAL_BYTES = 25 * 1_024;
/** Requests opened in one turn: a burst of ten thousand in one instant measures the kernel's backlog. */
const BURST = 100;

type End = { readonly status: number; readonly ms: number };

// Renders known to be slow: nobody is to take this silence for an outage.
const low = builtInRoutes.find(({ id }) => id === 'gpt-image-2-low');
if (low === undefined) throw new Error('there is no route gpt-image-2-low');
const known = { shiftSeconds: SILENCE_MS / 1_250, medianSeconds: SILENCE_MS / 5_000, sigma: 0.4, success: 0.985 };
const route = { ...low, concurrency: PLACES, latency: { ...low.latency, brief: known } };
const upstream = await startChild<string>(new URL('./gateway/slow-serve.ts', import.meta.url), [String(SILENCE_MS)]);
const gateway = await gatewayAt(upstream.message, 'tiny', { routes: [route] });
const agent = new Agent({ keepAlive: true });
const body = JSON.stringify({ ...JSON.parse(BODY), latency_budget_ms: BUDGET_MS });

const warm = await Promise.all(Array.from({ length: WARM_UP }, ask));
printLine(`warm-up: ${WARM_UP} requests, ${warm.filter(({ status }) => status === 200).length} answered with 200`);
const before = await settledBytes();
const ends: Promise<End>[] = [];
while (ends.length < WAITING) {
  ends.push(...Array.from({ length: BURST }, ask));
  await sleep(20);
}
const open = await mostOpen();
const during = await settledBytes();
const each = (during - before) / open;
const ended = await Promise.all(ends);
const failed = ended.filter(({ status }) => status !== 200);
const late = ended.filter(({ ms }) => ms > BUDGET_MS);
printLine(`open at once ${open}; resident memory ${megabytes(before)} before, ${megabytes(during)} with all of them waiting`);
printLine(`a waiting request costs ${(each / 1_024).toFixed(1)} KB; goal 25 KB: ${each <= GOAL_BYTES ? 'yes' : 'NO'}`);
printLine(`answered with 200: ${ended.length - failed.length} of ${WAITING}; after their deadline: ${late.length}`);
for (const [status, some] of Map.groupBy(failed, ({ status: one }) => one)) printLine(`  status ${status}: ${some.length}`);
const times = ended.map(({ ms }) => ms / 1_000);
printLine(
  `seconds to the answer: p50 ${quantile(times, 0.5).toFixed(1)}, p99 ${quantile(times, 0.99).toFixed(1)}, last ${quantile(times, 1).toFixed(1)}`,
);
agent.destroy();
await gateway.stop();
upstream.stop();

function ask(): Promise<End> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const end = (status: number): void => resolve({ status, ms: performance.now() - startedAt });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(`${gateway.url}/v1/images/generations`, { agent, method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.on('end', () => end(answer.statusCode ?? 0));
      answer.on('error', () => end(0));
    });
    call.on('error', () => end(0));
    call.end(body);
  });
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${gateway.child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

/** Once what was left by taking requests in has been given back or has not: V8 needs ten seconds of calm for it. */
async function settledBytes(): Promise<number> {
  await sleep(15_000);
  return residentBytes();
}

/** How many are open once all of them are, or no more come. */
async function mostOpen(): Promise<number> {
  for (let last = -1; ; await sleep(2_000)) {
    const open = await openRequests();
    if (open === last || open >= WAITING) return open;
    last = open;
  }
}

async function openRequests(): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(/^image_router_open_requests (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(0)} MB`;
}
