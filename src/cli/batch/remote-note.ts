// Which batch at a gateway a folder waits for: written before anything is handed in, so that a run that is killed at any moment
// and started again finds the batch it began, by its id or by the key that makes handing it in twice harmless.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const NAME = 'batch.json';

const NoteSchema = z.object({
  gateway: z.string(),
  key: z.string(),
  /** Once it is known. */
  id: z.string().optional(),
  /** Of the rows that were handed in, in their order. */
  rows: z.array(
    z.object({
      id: z.string(),
      line: z.number(),
      hash: z.string(),
      /** As it is sent; until the batch has its id. */
      text: z.string().optional(),
    }),
  ),
  concurrency: z.number(),
  maxCostUsd: z.number().optional(),
});
export type RemoteNote = Readonly<z.output<typeof NoteSchema>>;

/** Undefined: it waits for none. One that cannot be read was torn before anything was handed in. */
export async function readNote(folder: string): Promise<RemoteNote | undefined> {
  try {
    return NoteSchema.safeParse(JSON.parse(await readFile(join(folder, NAME), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

export async function writeNote(folder: string, note: RemoteNote): Promise<void> {
  const path = join(folder, NAME);
  await writeFile(`${path}.part`, `${JSON.stringify(note)}\n`);
  await rename(`${path}.part`, path);
}

export function removeNote(folder: string): Promise<void> {
  return rm(join(folder, NAME), { force: true });
}
