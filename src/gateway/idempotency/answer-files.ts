// The bodies of answers that may be asked for again: files beside the store, for they hold pictures. Written aside, synced and
// renamed, so that a name in the store never stands for half a body.
import { mkdirSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ids } from '../../system/ids.ts';

export class AnswerFiles {
  readonly #folder: string;
  readonly #ids: Ids;

  constructor(dataDir: string, ids: Ids) {
    this.#folder = join(dataDir, 'answers');
    this.#ids = ids;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** The file's name, once the pieces are on disk. */
  async write(pieces: readonly Uint8Array[]): Promise<string> {
    const name = this.#ids.next('ans');
    const aside = join(this.#folder, `${name}.part`);
    try {
      const file = await open(aside, 'wx', 0o600);
      try {
        await file.writev([...pieces]);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, join(this.#folder, name));
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
    return name;
  }

  async read(name: string): Promise<Uint8Array> {
    return readFile(join(this.#folder, name));
  }

  async remove(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => rm(join(this.#folder, name), { force: true })));
  }
}
