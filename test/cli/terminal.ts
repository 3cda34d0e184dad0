// Runs the command line inside the test: outputs are collected, the environment is empty unless given, and the folder is
// a temporary one.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io, Output } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run-cli.ts';

export type Ran = { readonly exit: number; readonly out: string; readonly err: string };
export type Setting = Partial<Pick<Io, 'env' | 'cwd' | 'signal'>> & {
  readonly stdin?: string;
  /** Hears what is written, as it is written. */
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
};

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'image-router-cli-'));
}

export async function run(argv: readonly string[], setting: Setting = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const collect = (take: (text: string) => void): Output => ({
    write: (text, done) => {
      take(text);
      done?.();
      return true;
    },
    columns: 160,
  });
  const exit = await runCli(argv, {
    stdout: collect((text) => {
      out += text;
      setting.onOut?.(text);
    }),
    stderr: collect((text) => {
      err += text;
      setting.onErr?.(text);
    }),
    stdin: asInput(setting.stdin ?? ''),
    env: setting.env ?? {},
    cwd: setting.cwd ?? temporaryFolder(),
    signal: setting.signal ?? new AbortController().signal,
  });
  return { exit, out, err };
}

async function* asInput(text: string): AsyncIterable<string> {
  yield text;
}
