#!/usr/bin/env node
// The process around the program: Ctrl-C becomes an abort signal (twice: leave at once), a reader who left early is no
// error, and the exit code is set only after everything was written.
import { systemClock } from '../system/clock.ts';
import { runCli } from './run-cli.ts';

const INTERRUPTED_EXIT = 130;
/** npm passes on a Ctrl-C that the terminal has delivered already: within so short a time it was pressed once. */
const ONE_PRESS_MS = 300;
const controller = new AbortController();
const clock = systemClock();
let firstAt = clock.now();

function interrupt(): void {
  if (!controller.signal.aborted) {
    firstAt = clock.now();
    controller.abort();
  } else if (clock.now() - firstAt > ONE_PRESS_MS) process.exit(INTERRUPTED_EXIT);
}
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);

/** `image-router classify ... | head`: nobody reads any more, so nothing is left to do. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  signal: controller.signal,
});
