// Load on one contender, by autocannon or evenly paced, with what it cost the process that served it beside what the client saw.
import { readFile } from 'node:fs/promises';
import autocannon from 'autocannon';
import type { PictureName } from '../support/pictures.ts';
import { quantile } from '../support/statistics.ts';
import { BODY, type Contender } from './contenders.ts';
import { pace } from './paced.ts';

export type Effort = {
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second in all, at even distances on any number of connections; undefined: as many as there can be. */
  readonly rate: number | undefined;
};

export type Served = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor milliseconds a request, of the contender's process; NaN where there is none. */
  readonly cpuMs: number;
  /** Peak resident memory since it started, in megabytes. */
  readonly rssMb: number;
  /** Answers that were no 200, and calls that failed. */
  readonly failed: number;
};

export async function serve(contender: Contender, picture: PictureName, effort: Effort): Promise<Served> {
  const url = contender.url(picture);
  const pid = contender.pid(picture);
  const { connections, seconds, rate } = effort;
  const load = {
    url,
    method: 'POST',
    headers: contender.headers(picture),
    body: BODY,
    connections,
  } as const;
  const run = async (duration: number): Promise<Omit<Served, 'cpuMs' | 'rssMb'> & { readonly requests: number }> => {
    if (rate !== undefined) {
      const { latenciesMs, failed, tookMs } = await pace({ url, headers: load.headers, body: BODY }, rate, duration);
      const requests = latenciesMs.length;
      return {
        requests,
        perSecond: (1_000 * requests) / tookMs,
        p50: quantile(latenciesMs, 0.5),
        p99: quantile(latenciesMs, 0.99),
        failed,
      };
    }
    const { '2xx': requests, latency, non2xx, errors, ...result } = await autocannon({ ...load, duration });
    return { requests, perSecond: requests / result.duration, p50: latency.p50, p99: latency.p99, failed: non2xx + errors };
  };
  await run(Math.max(1, Math.round(seconds / 4)));
  const before = await processorMs(pid);
  const { requests, ...served } = await run(seconds);
  return { ...served, cpuMs: ((await processorMs(pid)) - before) / requests, rssMb: await peakMegabytes(pid) };
}

/** User and system time so far, by the kernel's books, in ticks of 10 ms. */
async function processorMs(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function peakMegabytes(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}
