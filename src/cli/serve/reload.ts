// Reads the configuration anew for a gateway that runs. It goes the way of the start: what was wrong then is wrong now, and what
// the command line says still wins. A bad file is told with its places and changes nothing; the log is where, for nobody sits
// before a gateway's terminal.
import { isImageRouterError, type Problem } from '../../domain/error.ts';
import type { Observer } from '../../gateway/observe/observer.ts';
import type { Config } from '../config/config-file.ts';
import { atRealSpeed } from '../endpoints.ts';
import type { LiveRouter } from './live-router.ts';

/** More lines than that say nothing more. */
const MOST_TOLD = 20;

export type Reloading = {
  /** As it is called in the log. */
  readonly file: string;
  /** Reads it with the command line's options applied. */
  readonly read: () => Promise<Config>;
  readonly live: LiveRouter;
  readonly observer: Pick<Observer, 'note' | 'defect'>;
};

/** Never rejects. */
export async function reload({ file, read, live, observer }: Reloading): Promise<void> {
  try {
    const config = await read();
    // The clock goes on as it was started: real endpoints must not come to stand behind a fast one.
    atRealSpeed({ ...config.options, speed: live.options().speed });
    const { changed, needsRestart } = live.replace(config);
    observer.note('info', 'reload', { file, changed, ...(needsRestart.length === 0 ? {} : { needs_restart: needsRestart.join(', ') }) });
  } catch (error) {
    if (!isImageRouterError(error)) observer.defect('reload', error);
    const problems = isImageRouterError(error) ? error.problems : [];
    for (const problem of problems.slice(0, MOST_TOLD)) observer.note('error', 'reload-problem', { file, ...told(problem) });
    observer.note('error', 'reload-refused', { file, problems: problems.length });
  }
}

function told(problem: Problem): { readonly problem: string; readonly remedy: string | undefined } {
  const at = 'at' in problem ? `${problem.at} ` : '';
  return { problem: `${at}${problem.field} ${problem.rule}`, remedy: problem.remedy };
}
