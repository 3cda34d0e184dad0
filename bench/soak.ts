// The soak as a command: a warm-up, then 2 000 requests of every shape under mixed faults, then a verdict in the exit code.
// `npm run soak -- --requests 500 --seed 7 --speed 30`.
import { parseArgs } from 'node:util';
import { soak } from './soak/soak.ts';
import { printSummary, printVerdict } from './soak/summary.ts';
import { heldBytes } from './support/collect-garbage.ts';
import { printLine } from './support/print.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    speed: { type: 'string', default: '20' },
  },
});
const requests = Number(values.requests);
const seed = Number(values.seed);
const speed = Number(values.speed);
/** Code, caches and learned shapes exist before memory is compared. */
const WARM_UP_SHARE = 0.15;
const HEAP_MAY_GROW = 0.1;

printLine(`${requests} requests, seed ${seed}, ${speed} times real speed`);
const warmUp = await soak({ requests: Math.ceil(requests * WARM_UP_SHARE), seed: seed + 1, speed });
const before = await heldBytes();
const { report, after } = await soakAndForget();
const growth = after / before - 1;
printLine(`heap         ${mebibytes(before)} before, ${mebibytes(after)} after: ${(growth * 100).toFixed(1)} %`);
const violations = [
  ...warmUp.violations.map((violation) => `(warm-up) ${violation}`),
  ...report,
  ...(Math.abs(growth) > HEAP_MAY_GROW ? [`the heap changed by ${(growth * 100).toFixed(1)} %, at most 10 % is allowed`] : []),
];
printVerdict(violations);
process.exitCode = violations.length === 0 ? 0 : 1;

/** Prints the summary and drops it, so that the report itself is not what the heap holds. */
async function soakAndForget(): Promise<{ readonly report: readonly string[]; readonly after: number }> {
  const report = await printed();
  return { report, after: await heldBytes() };
}

async function printed(): Promise<readonly string[]> {
  const report = await soak({ requests, seed, speed });
  printSummary(report, speed);
  return report.violations;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
