// Notices that a configuration file has changed: by SIGHUP, or by watching it. Editors and deployments replace files, or links
// to them, rather than write into them, which `fs.watch` goes deaf from; chokidar does not.
import { watch } from 'chokidar';

/** A file that is still being written is left alone until it has been quiet for so long. */
const QUIET_MS = 200;
const LOOK_EVERY_MS = 50;

export type ConfigWatch = {
  /** Called for each change and each SIGHUP, one after the other. It must not reject. */
  readonly reload: () => Promise<void>;
  /** The file cannot be watched: too many are, or its folder may not be read. SIGHUP still works. */
  readonly onTrouble: (error: unknown) => void;
};

/** Resolves when changes are seen. Without a file a SIGHUP changes nothing, and does not end the process either. */
export async function watchConfig(file: string | undefined, { reload, onTrouble }: ConfigWatch): Promise<() => Promise<void>> {
  let last = Promise.resolve();
  const changed = (): void => {
    if (file !== undefined) last = last.then(reload);
  };
  process.on('SIGHUP', changed);
  const stopWatching = file === undefined ? undefined : await watchFile(file, changed, onTrouble);
  return async () => {
    process.off('SIGHUP', changed);
    await stopWatching?.();
    await last;
  };
}

async function watchFile(file: string, changed: () => void, onTrouble: (error: unknown) => void): Promise<() => Promise<void>> {
  const awaitWriteFinish = { stabilityThreshold: QUIET_MS, pollInterval: LOOK_EVERY_MS };
  const watcher = watch(file, { ignoreInitial: true, awaitWriteFinish });
  watcher.on('change', changed).on('add', changed).on('error', onTrouble);
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return () => watcher.close();
}
