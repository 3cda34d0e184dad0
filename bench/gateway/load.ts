// Load on one contender, by autocannon, with what it cost the process that served it beside what the client saw.
import { readFile } from 'node:fs/promises';
import autocannon from 'autocannon';
import type { PictureName } from '../support/pictures.ts';
import { BODY, type Contender } from './contenders.ts';

export type Effort = {
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second in all; undefined: as many as there can be. */
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

export async function serve(contender: Contender, picture: PictureName, { connections, seconds, rate }: Effort): Promise<Served> {
  const url = contender.url(picture);
  const pid = contender.pid(picture);
  const load = {
    url,
    method: 'POST',
    headers: contender.headers(picture),
    body: BODY,
    connections,
    ...(rate === undefined ? {} : { overallRate: rate }),
  } as const;
  await autocannon({ ...load, duration: Math.max(1, Math.round(seconds / 4)) });
  const before = await processorMs(pid);
  const result = await autocannon({ ...load, duration: seconds });
  const requests = result['2xx'];
  return {
    perSecond: requests / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuMs: ((await processorMs(pid)) - before) / requests,
    rssMb: await peakMegabytes(pid),
    failed: result.non2xx + result.errors,
  };
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
