// Builds dist/ from the sources: compile with the project's own TypeScript, then make the command executable.
// It runs from `prepare`, so `npm ci` leaves a working `npx image-router`; no bundler, because plain ESM output
// keeps stack traces and the file layout the same as the sources.
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
rmSync(new URL('dist', root), { recursive: true, force: true });
execFileSync(process.execPath, [fileURLToPath(new URL('node_modules/typescript/bin/tsc', root)), '-p', 'tsconfig.build.json'], {
  cwd: fileURLToPath(root),
  stdio: 'inherit',
});
chmodSync(new URL('dist/src/cli/main.js', root), 0o755);
