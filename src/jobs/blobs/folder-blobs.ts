// Blobs as files in a folder of their own. Written aside, synced, renamed, and the folder synced: a name never stands for half
// a blob, and what was acknowledged survives a power cut. Files are spread over 65 536 folders by a hash of their names,
// because a folder with a million entries is slow on every file system; names may all begin alike. Several processes may
// share the folder. Whatever a file system complains of is a StoreError: nothing is half done, and asking later may work.

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ImageRouterError } from '../../domain/error.ts';
import { StoreError } from '../../domain/store-error.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import type { Ids } from '../../system/ids.ts';
import type { BlobRange, BlobStore } from '../blob-store.ts';
import { checkBlobName, checkBlobRange, isBlobName } from './check-blob.ts';

export type FolderBlobsOptions = {
  /** The gateway's data folder; blobs are in its subfolder `blobs`. */
  readonly dataDir: string;
  readonly ids: Ids;
  /** What the file system's clock shows: never scaled. Default: the machine's. */
  readonly clock?: Clock;
};

/** A blob takes seconds to write at most: what lies aside for an hour was left by a process that is no more. */
const LEFTOVER_MS = 3_600_000;
const ASIDE = 'aside';
const REMOVED_AT_ONCE = 16;

/** Throws ImageRouterError `invalid_config` when the folder cannot be used. */
export function openFolderBlobs({ dataDir, ids, clock }: FolderBlobsOptions): BlobStore {
  const root = join(dataDir, 'blobs');
  try {
    mkdirSync(join(root, ASIDE), { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'name a folder this user may write to with --data or gateway.dataDir';
    throw new ImageRouterError('invalid_config', `the folder for pictures ${root} cannot be used: ${reason}`, { remedy, cause });
  }
  return new FolderBlobs(root, ids, clock ?? systemClock(1));
}

class FolderBlobs implements BlobStore {
  readonly #root: string;
  readonly #ids: Ids;
  readonly #clock: Clock;
  readonly #running = new Set<Promise<unknown>>();
  /** Folders whose way down from the root is on disk; at most 65 536. */
  readonly #synced = new Set<string>();
  #isClosed = false;

  constructor(root: string, ids: Ids, clock: Clock) {
    this.#root = root;
    this.#ids = ids;
    this.#clock = clock;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    checkBlobName(name);
    await this.#run(async () => {
      const file = this.#fileOf(name);
      const aside = join(this.#root, ASIDE, this.#ids.next('part'));
      await this.#makeFolder(dirname(file));
      try {
        await write(aside, bytes);
        await moveUnlessThere(aside, file);
        await sync(dirname(file));
      } finally {
        await rm(aside, { force: true });
      }
    });
  }

  async get(name: string, range?: BlobRange): Promise<Uint8Array | undefined> {
    checkBlobName(name);
    checkBlobRange(range);
    return this.#run(async () => {
      const file = await unlessMissing(open(this.#fileOf(name), 'r'));
      if (file === undefined) return undefined;
      try {
        return range === undefined ? await file.readFile() : await readPart(file, range);
      } finally {
        await file.close();
      }
    });
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    await this.#run(async () => {
      for (let start = 0; start < names.length; start += REMOVED_AT_ONCE) {
        const some = names.slice(start, start + REMOVED_AT_ONCE);
        await Promise.all(some.map((name) => rm(this.#fileOf(name), { force: true })));
      }
    });
  }

  async *list(): AsyncIterable<{ readonly name: string; readonly writtenAt: number }> {
    await this.#run(() => this.#removeLeftovers());
    for (const outer of await this.#namesIn(this.#root)) {
      for (const inner of outer === ASIDE ? [] : await this.#namesIn(join(this.#root, outer))) {
        const folder = join(this.#root, outer, inner);
        for (const name of await this.#namesIn(folder)) {
          const writtenAt = await this.#writtenAt(join(folder, name));
          if (writtenAt !== undefined && isBlobName(name)) yield { name, writtenAt };
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }

  #fileOf(name: string): string {
    const hash = createHash('sha256').update(name).digest('hex');
    return join(this.#root, hash.slice(0, 2), hash.slice(2, 4), name);
  }

  /** A folder's entry is on disk only when the folder above it is told so. Another process may have made it and not done so yet. */
  async #makeFolder(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (this.#synced.has(folder)) return;
    await sync(dirname(folder));
    await sync(this.#root);
    this.#synced.add(folder);
  }

  async #removeLeftovers(): Promise<void> {
    const folder = join(this.#root, ASIDE);
    const oldest = this.#clock.wall().getTime() - LEFTOVER_MS;
    for (const name of await this.#namesIn(folder)) {
      const file = join(folder, name);
      const writtenAt = await this.#writtenAt(file);
      if (writtenAt !== undefined && writtenAt < oldest) await rm(file, { force: true });
    }
  }

  /** Nothing when it is gone meanwhile, or is no folder. */
  async #namesIn(folder: string): Promise<readonly string[]> {
    return this.#run(async () => (await unlessMissing(readdir(folder))) ?? []);
  }

  #writtenAt(file: string): Promise<number | undefined> {
    return this.#run(async () => (await unlessMissing(stat(file)))?.mtimeMs);
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new StoreError('the blob store is closed');
    const running = work().catch((cause: unknown) => {
      throw codeOf(cause) === undefined ? cause : new StoreError('the folder for pictures does not do what it should', { cause });
    });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    // Unlike `write`, this either writes every byte or rejects.
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A link, because a rename would replace what is there already. Where a file system has no links, it may. */
async function moveUnlessThere(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') await rename(from, to);
    else if (code !== 'EEXIST') throw error;
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readPart(file: FileHandle, { start, end }: BlobRange): Promise<Uint8Array> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.max(0, Math.min(end + 1, size) - start));
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, start + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

async function unlessMissing<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Of an error of the file system. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : undefined;
}
