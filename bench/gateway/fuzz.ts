// The fuzz run as a command: 10 000 cases over every endpoint of a gateway on loopback, then a verdict in the exit code.
// `npm run fuzz -- --cases 100000 --seed 7`; one case alone: `npm run fuzz -- --first 4711 --cases 1`.
import { parseArgs } from 'node:util';
import { openFuzzWorld } from '../../test/gateway/support/fuzz-world.ts';
import { printLine } from '../support/print.ts';
import { judgeWorld } from './fuzz/judge-world.ts';
import { fuzz } from './fuzz/run.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    first: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '16' },
  },
});
const [cases, first, seed, connections] = [values.cases, values.first, values.seed, values.connections].map(Number);
if (cases === undefined || first === undefined || seed === undefined || connections === undefined) throw new RangeError('numbers, please');
const PATIENCE_MS = 20_000;

const startedAt = performance.now();
const world = await openFuzzWorld();
const report = await fuzz({ port: world.port, seed, first, cases, connections, patienceMs: PATIENCE_MS });
const violations = [...report.violations, ...(await judgeWorld(world))];
await world.close();

printLine(`${cases} cases of seed ${seed} in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
for (const [status, count] of [...report.statuses].sort()) printLine(`${String(count).padStart(8)}  ${status}`);
for (const violation of violations) printLine(`VIOLATION ${violation}`);
printLine(violations.length === 0 ? 'no violations' : `${violations.length} violations`);
process.exitCode = violations.length === 0 ? 0 : 1;
