// The thread that writes traces (trace-file.ts), one ask after another, each a transaction. It waits for other processes that
// write, and for the disk, in nobody's way.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { TraceAnswer, TraceAsk } from './trace-file.ts';

const BUSY_MS = 5_000;

const database = new DatabaseSync(String(workerData), { timeout: BUSY_MS });
database.exec('PRAGMA synchronous = NORMAL');
const insert = database.prepare('INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?)');
const forget = database.prepare('DELETE FROM traces WHERE principal = ?');
const forgetOld = database.prepare('DELETE FROM traces WHERE at < ?');
// Rows are numbered as they come.
const forgetMore = database.prepare('DELETE FROM traces WHERE rowid <= (SELECT max(rowid) FROM traces) - ?');

parentPort?.on('message', ({ number, ask }: { readonly number: number; readonly ask: TraceAsk }) => {
  const answer: TraceAnswer = { number, failure: failureOf(ask) };
  parentPort?.postMessage(answer);
});

function failureOf(ask: TraceAsk): string | undefined {
  try {
    database.exec('BEGIN IMMEDIATE');
    carryOut(ask);
    database.exec('COMMIT');
    return undefined;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    return String(error);
  }
}

function carryOut(ask: TraceAsk): void {
  if (ask.kind === 'forget') forget.run(ask.principal);
  else if (ask.kind === 'keep') for (const { id, principal, at, trace } of ask.rows) insert.run(id, principal, at, trace);
  else {
    forgetOld.run(ask.before);
    forgetMore.run(ask.most);
  }
}
