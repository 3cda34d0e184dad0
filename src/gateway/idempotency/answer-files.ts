// The bodies of answers that may be asked for again: files beside the store, for they hold pictures. Written aside, synced and
// renamed, so that a name never stands for half a body. The store knows every name before its file exists; what it does not
// know was left by a crash and may go.
import { mkdirSync } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ids } from '../../system/ids.ts';

const ASIDE = '.part';

export class AnswerFiles {
  readonly #folder: string;
  readonly #ids: Ids;

  constructor(dataDir: string, ids: Ids) {
    this.#folder = join(dataDir, 'answers');
    this.#ids = ids;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  newName(): string {
    return this.#ids.next('ans');
  }

  /** Resolves once the pieces are on disk under that name. */
  async write(name: string, pieces: readonly Uint8Array[]): Promise<void> {
    const aside = join(this.#folder, name + ASIDE);
    try {
      const file = await open(aside, 'wx', 0o600);
      try {
        // Unlike `writev`, this either writes every byte or rejects.
        await file.writeFile(pieces);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, join(this.#folder, name));
      await this.#sync();
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
  }

  /** Undefined: there is none. */
  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.#folder, name));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    await Promise.all(names.flatMap((name) => [name, name + ASIDE]).map((name) => rm(join(this.#folder, name), { force: true })));
  }

  /** Removes files that `known` does not name; it is asked after they were listed, so that a file just begun is not lost. */
  async removeUnknown(known: () => Promise<ReadonlySet<string>>): Promise<void> {
    const found = await readdir(this.#folder);
    const names = await known();
    await this.remove(found.map((name) => (name.endsWith(ASIDE) ? name.slice(0, -ASIDE.length) : name)).filter((name) => !names.has(name)));
  }

  /** The folder's list of names is on disk only when it is told so. */
  async #sync(): Promise<void> {
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
