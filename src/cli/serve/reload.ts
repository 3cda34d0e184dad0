// Notices that a configuration file has changed: by SIGHUP, or by watching it. Editors and deployments replace files rather
// than write into them, which `fs.watch` goes deaf from; chokidar does not.
import { watch } from 'chokidar';

/** A file that is still being written is left alone until it has been quiet for so long. */
const QUIET_MS = 200;

/**
 * Calls `changed` for each change and each SIGHUP, one after the other, until what it returns is called. Without a file a
 * SIGHUP changes nothing, and does not end the process either.
 */
export function watchConfig(file: string | undefined, reload: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  const changed = (): void => {
    if (file !== undefined) last = last.then(reload);
  };
  const watcher = watch(file ?? [], { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: QUIET_MS, pollInterval: 50 } });
  watcher.on('change', changed).on('add', changed);
  process.on('SIGHUP', changed);
  return async () => {
    process.off('SIGHUP', changed);
    await watcher.close();
  };
}
