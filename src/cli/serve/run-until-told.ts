// The life of a process that serves: its configuration is watched, SIGTERM or Ctrl-C make it drain, and it is closed whatever
// happens.
import { resolve } from 'node:path';
import type { Observer } from '../../gateway/observe/observer.ts';
import type { Config } from '../config/config-file.ts';
import type { Source } from '../endpoints.ts';
import { type Io, print } from '../io.ts';
import type { LiveRouter } from './live-router.ts';
import { reload } from './reload.ts';
import { watchConfig } from './watch-config.ts';

export type Serving = {
  readonly live: LiveRouter;
  readonly observer: Observer;
  drain(): Promise<void>;
  close(): Promise<void>;
};

export type Circumstances = {
  readonly source: Source;
  /** The configuration as it is now, the command line's options applied. */
  readonly read: () => Promise<Config>;
  readonly io: Io;
  /** For the log. */
  readonly about: Readonly<Record<string, string>>;
};

/** `introduce` tells people that it runs. */
export async function runUntilTold(serving: Serving, { source, read, io, about }: Circumstances, introduce: () => void): Promise<void> {
  const { live, observer } = serving;
  const { file } = source;
  try {
    // Before anybody is told that it runs: a SIGHUP nobody listens for ends the process.
    const stopWatching = await watchConfig(file === undefined ? undefined : resolve(io.cwd, file), {
      reload: () => reload({ file: file ?? '', read: () => readBefore(source, read, live), live, observer }),
      onTrouble: (error) => observer.defect('watch', error),
    });
    introduce();
    observer.note('info', 'start', { ...about, behind: source.name, speed: source.options.speed });
    await aborted(io.signal);
    await stopWatching();
    const { drainMs } = live.settings();
    observer.note('info', 'drain', { within_ms: drainMs });
    print(io.stderr, `draining: running renders get ${Math.ceil(drainMs / 1_000)} s; a second signal ends at once`);
    await serving.drain();
    observer.note('info', 'stop', {});
  } finally {
    await serving.close();
  }
}

/** A sandbox in this process stays where it is, and knows the routes it was started with. */
async function readBefore({ kind }: Source, read: () => Promise<Config>, live: LiveRouter): Promise<Config> {
  const config = await read();
  return kind === 'sandbox' ? { ...config, options: { ...config.options, endpoints: live.options().endpoints } } : config;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
