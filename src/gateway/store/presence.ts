// Which gateways on one data folder live. Each holds a lock on a file of its own, and the kernel lets go of it when the
// process ends, however it ends. So a restart finds out at once who was killed, and a gateway that is merely slow, or whose
// clock runs twenty times as fast, is never taken for dead: heartbeats by the clock get both wrong.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sql.ts';

export class Presence {
  readonly #folder: string;
  readonly #owner: string;
  #lock: DatabaseSync | undefined;

  constructor(dataDir: string, owner: string) {
    this.#folder = join(dataDir, 'gateways');
    this.#owner = owner;
  }

  /** To be called, like `isGone`, while holding the store's write lock: nobody then looks at a file that is not locked yet. */
  enter(): void {
    if (this.#lock !== undefined) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const lock = lockOf(join(this.#folder, this.#owner));
    if (lock === undefined) throw new Error(`another gateway is called ${this.#owner}`);
    this.#lock = lock;
  }

  /** Whether a gateway that had entered lives no more. Its file goes with it. */
  isGone(owner: string): boolean {
    if (owner === this.#owner) return false;
    const file = join(this.#folder, owner);
    if (!existsSync(file)) return true;
    const lock = lockOf(file);
    if (lock === undefined) return false;
    lock.close();
    rmSync(file, { force: true });
    return true;
  }

  leave(): void {
    if (this.#lock === undefined) return;
    this.#lock.close();
    this.#lock = undefined;
    rmSync(join(this.#folder, this.#owner), { force: true });
  }
}

/** Undefined: somebody holds it. An SQLite file is locked by beginning to write, and nothing is ever written: Node has no other lock on files. */
function lockOf(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}
