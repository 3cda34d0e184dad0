// Builds dist/ from the sources: compile with the project's own TypeScript, then make the command executable.
// It runs from `prepare`, so `npm ci` leaves a working `npx image-router`; no bundler, because plain ESM output
// keeps stack traces and the file layout the same as the sources.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
rmSync(new URL('dist', root), { recursive: true, force: true });
execFileSync(process.execPath, [fileURLToPath(new URL('node_modules/typescript/bin/tsc', root)), '-p', 'tsconfig.build.json'], {
  cwd: fileURLToPath(root),
  stdio: 'inherit',
});
chmodSync(new URL('dist/src/cli/main.js', root), 0o755);

// npx would otherwise copy this package into its own cache first, with a warning about the machine's older Node.
const commands = new URL('node_modules/.bin/', root);
if (existsSync(commands) && process.platform !== 'win32') {
  rmSync(new URL('image-router', commands), { force: true });
  symlinkSync('../../dist/src/cli/main.js', new URL('image-router', commands));
}
