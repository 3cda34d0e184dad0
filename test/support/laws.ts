// The laws of a contract suite: each is checked on what was opened for it alone, which is closed whatever happened.
import { it } from 'vitest';

export type Law<Opened> = (name: string, check: (opened: Opened) => Promise<void>) => void;

/** `it`, over a fresh world each time. */
export function lawsOf<Opened extends { close(): Promise<void> }>(open: () => Promise<Opened>): Law<Opened> {
  return (name, check) =>
    it(name, async () => {
      const opened = await open();
      try {
        await check(opened);
      } finally {
        await opened.close();
      }
    });
}
