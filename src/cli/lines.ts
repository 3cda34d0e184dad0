// Text files read line by line, so that their size does not matter.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { unreadable } from './text-file.ts';

/** A line that holds something, and its number from 1. */
export type NumberedLine = { readonly text: string; readonly line: number };

/** Lines of a file a user named. Throws `file_unreadable`; `field` is the option, `what` is said to people. */
export async function* linesOfFile(path: string, field: string, what: string): AsyncIterable<string> {
  await checkReadable(path, field, what);
  yield* createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
}

/** Numbers lines and leaves out empty ones and the mark some editors put at the start. */
export async function* numbered(lines: AsyncIterable<string>): AsyncIterable<NumberedLine> {
  let line = 0;
  for await (const whole of lines) {
    line += 1;
    const text = line === 1 ? whole.replace(/^\ufeff/, '') : whole;
    if (text.trim() !== '') yield { text, line };
  }
}

async function checkReadable(path: string, field: string, what: string): Promise<void> {
  try {
    const file = await open(path);
    const isFolder = (await file.stat()).isDirectory();
    await file.close();
    if (isFolder) throw Object.assign(new Error('folder'), { code: 'EISDIR' });
  } catch (error) {
    throw unreadable(path, field, what, error);
  }
}
