// results.jsonl: what every run of a folder did, one line a finished job, only ever appended to. It is written before the
// images get their names: complete temporary files, then the line, then the renames. So an image under its own name always
// has its line, and a run that died in between is completed by the next one instead of being paid for again.
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { addUsd, type MicroUsd, microUsd, ZERO_USD } from '../../domain/money.ts';

const FileSchema = z.object({ name: z.string(), bytes: z.number() });
/** `batch`: at a gateway, of which it was a row. */
const spent = { billedUsd: z.number(), possiblyBilledUsd: z.number(), batch: z.string().optional() };
const EntrySchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('delivered'),
    id: z.string(),
    line: z.number(),
    hash: z.string(),
    files: z.array(FileSchema),
    route: z.string(),
    seconds: z.number(),
    degraded: z.string().nullable(),
    ...spent,
  }),
  z.object({
    outcome: z.enum(['failed', 'cancelled']),
    id: z.string(),
    line: z.number(),
    hash: z.string(),
    code: z.string(),
    message: z.string(),
    seconds: z.number(),
    ...spent,
  }),
]);
export type Entry = Readonly<z.infer<typeof EntrySchema>>;
export type Delivered = Extract<Entry, { outcome: 'delivered' }>;

export const RESULTS_NAME = 'results.jsonl';

/** What earlier runs of the folder left. */
export type Past = {
  /** The last delivery of each job. */
  readonly delivered: ReadonlyMap<string, Delivered>;
  /** Billed and possibly billed. */
  readonly spent: MicroUsd;
  /** Rows of a gateway's batches that are here, whatever became of them; see `recordedKey`. */
  readonly recorded: ReadonlySet<string>;
};

export function recordedKey(batch: string, id: string): string {
  return `${batch} ${id}`;
}

/** Reads what is there. A line that cannot be read was torn by a kill: its job counts as not done. */
export async function readPast(folder: string): Promise<Past> {
  const delivered = new Map<string, Delivered>();
  const recorded = new Set<string>();
  let sum: MicroUsd = ZERO_USD;
  const path = join(folder, RESULTS_NAME);
  if ((await sizeOf(path)) === undefined) return { delivered, spent: sum, recorded };
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })) {
    const entry = entryOf(line);
    if (entry === undefined) continue;
    sum = addUsd(sum, microUsd(entry.billedUsd), microUsd(entry.possiblyBilledUsd));
    if (entry.batch !== undefined) recorded.add(recordedKey(entry.batch, entry.id));
    if (entry.outcome === 'delivered') delivered.set(entry.id, entry);
  }
  return { delivered, spent: sum, recorded };
}

function entryOf(line: string): Entry | undefined {
  try {
    return EntrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Whether everything a line promises is on disk. Finishes the renames that a kill kept from happening. */
export async function isThere(entry: Delivered, folder: string): Promise<boolean> {
  for (const { name, bytes } of entry.files) {
    const path = join(folder, name);
    if ((await sizeOf(path)) === bytes) continue;
    if ((await sizeOf(temporaryOf(path, entry.hash))) !== bytes) return false;
    await rename(temporaryOf(path, entry.hash), path);
  }
  return entry.files.length > 0;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (entry) => entry.size,
    () => undefined,
  );
}

/** Temporary files, the line, the names, in this order. Rejects with the file system's error. */
export async function keepImages(
  results: ResultsFile,
  folder: string,
  entry: Delivered,
  images: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Promise<void> {
  const aside = (name: string): string => temporaryOf(join(folder, name), entry.hash);
  for (const { name, bytes } of images) await writeFile(aside(name), bytes);
  await results.append(entry);
  for (const { name } of images) await rename(aside(name), join(folder, name));
}

/** Where the bytes of `path` wait for their line. The hash keeps those of an older request apart. */
function temporaryOf(path: string, hash: string): string {
  return `${path}.${hash.slice(0, 8)}.part`;
}

export type ResultsFile = { append(entry: Entry): Promise<void>; close(): Promise<void> };

/** Opens for appending. A torn last line is closed off, so that the next one stands by itself. */
export async function openResults(folder: string): Promise<ResultsFile> {
  const handle = await open(join(folder, RESULTS_NAME), 'a+');
  if (await isTorn(handle)) await handle.appendFile('\n');
  return {
    // One write a line: lines of jobs that end together do not mix.
    append: async (entry) => {
      await handle.appendFile(`${JSON.stringify(entry)}\n`);
    },
    close: () => handle.close(),
  };
}

async function isTorn(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString('latin1') !== '\n';
}
