// Gateways and workers killed at random while they take and make jobs, on PostgreSQL, before the sandbox through the real SDKs:
// is a job lost, does one end twice, how long until somebody else takes over, and do the books agree with the provider's?
// `npm run crash -- --kills 200 --jobs 2000`. The verdict is in the exit code.
import { parseArgs } from 'node:util';
import { audit } from './crash/audit.ts';
import { runCrash } from './crash/run-crash.ts';
import { printLine } from './support/print.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    jobs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const plan = { kills: Number(values.kills), jobs: Number(values.jobs), seed: Number(values.seed), gateways: 2, workers: 3 };

printLine(`${plan.jobs} jobs, ${plan.kills} kills among ${plan.gateways} gateways and ${plan.workers} workers, seed ${plan.seed}`);
const { violations } = await runCrash(plan, audit);
for (const violation of violations) printLine(`VIOLATED: ${violation}`);
printLine(violations.length === 0 ? 'all kept' : `${violations.length} violated`);
process.exitCode = violations.length === 0 ? 0 : 1;
