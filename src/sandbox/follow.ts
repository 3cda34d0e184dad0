// Lets the course of an admitted call happen on its socket, and keeps the books. A caller who leaves changes nothing for the
// model: it goes on, and the work is billed and written down as orphaned.
import type { ServerResponse } from 'node:http';
import { ZERO_USD } from '../domain/money.ts';
import type { Size } from '../domain/size.ts';
import { type Answer, type Face, type ImageCall, jsonAnswer } from './call.ts';
import * as aggregator from './faces/aggregator.ts';
import type { EncodedPicture } from './faces/google-bodies.ts';
import { answerEvents, type SseEvent, sseParts } from './faces/sse.ts';
import { partialEvent, type Success, successBody, successEvents } from './faces/success.ts';
import type { Ledger, LedgerRow } from './ledger.ts';
import { billOf, usageOf } from './model/billing.ts';
import type { Alteration, Course } from './model/course.ts';
import type { DrawKey } from './model/draws.ts';
import { spoilt } from './pictures/spoil.ts';
import type { PictureWish } from './pictures/store.ts';
import { carry, openStream, sendEvents } from './send.ts';
import { elapsedMs, type World } from './world.ts';

export type Following = {
  readonly world: World;
  readonly response: ServerResponse;
  readonly face: Face;
  readonly google: boolean;
  readonly requestId: string;
  readonly arrivedMs: number;
  readonly call: ImageCall;
  readonly key: DrawKey;
  readonly course: Course;
  /** The face's headers, as of now. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Sends a whole answer by the course's transport; returns its bytes. */
  readonly reply: (answer: Answer) => number;
};

export function follow(following: Following): void {
  const { world, response, requestId, call, key, course } = following;
  const { ledger } = world.memory;
  const usage = course.usage ?? usageOf(call, key);
  const facts: Facts = { call, requestId, usage, alterations: alterationsOf(course) };
  const pictures = course.ending.kind === 'pictures' ? paint(world, call, facts.alterations) : undefined;
  if (course.reachesModel) ledger.open(openRow(following));
  let goneAtMs: number | undefined;
  let ended = false;
  response.once('close', () => {
    // A socket this server destroyed is not a caller who left.
    const cutHere = ended && (course.ending.kind === 'cut' || course.transport.kind === 'reset');
    if (response.writableFinished || cutHere) return;
    goneAtMs = elapsedMs(world);
    ledger.update(requestId, { clientGoneAtMs: goneAtMs });
  });
  const streamed = playStream(following, facts);
  world.timers.after(course.delayMs, () => {
    const finish = (drawn: readonly EncodedPicture[]): void => {
      if (course.reachesModel) ledger.update(requestId, settlement(following, usage, goneAtMs !== undefined));
      ended = true;
      const bytesOut = streamed.bytes + end(following, facts, drawn);
      if (course.reachesModel) ledger.update(requestId, { bytesOut });
    };
    Promise.all([pictures ?? [], streamed.done()]).then(
      ([drawn]) => finish(drawn),
      () => unpainted(following, ledger),
    );
  });
}

/** What a success says besides its pictures and its date. */
type Facts = Omit<Success, 'pictures' | 'createdSeconds'>;

function alterationsOf({ ending }: Course): readonly Alteration[] {
  return ending.kind === 'pictures' ? ending.alterations : [];
}

function createdSeconds(world: World): number {
  return Math.floor(world.clock.wall().getTime() / 1_000);
}

type Played = { bytes: number; readonly done: () => Promise<void> };

/** Opens the stream and sends what comes before its end. In order, even when drawing is slower than the world. */
function playStream(following: Following, facts: Facts): Played {
  const { world, response, google, call, course } = following;
  let queue: Promise<void> = Promise.resolve();
  const played: Played = { bytes: 0, done: () => queue };
  if (course.stream === undefined) return played;
  world.timers.after(course.stream.opensAtMs, () => openStream(world, response, following.headers(), google));
  for (const [stage, atMs] of course.stream.partialsAtMs.entries()) {
    if (atMs > course.delayMs) continue;
    world.timers.after(atMs, () => {
      queue = queue.then(async () => {
        const drafts =
          call.protocol === 'google'
            ? [undefined]
            : await Promise.all(wishesOf(call, []).map((wish) => world.pictures.partial(call, wish, stage)));
        const events = drafts.map((draft) => partialEvent({ ...facts, createdSeconds: createdSeconds(world) }, draft, stage));
        played.bytes += sendEvents(response, partsOf(events, call));
      });
      // Met again when the course ends; until then it must not be called unhandled.
      queue.catch(() => undefined);
    });
  }
  return played;
}

function partsOf(events: readonly SseEvent[], call: ImageCall): readonly Buffer[] {
  return events.flatMap((event) => sseParts(event, call.protocol));
}

/** The painter failed: to the caller the connection breaks, and the books say so. */
function unpainted({ world, response, requestId }: Following, ledger: Ledger): void {
  ledger.update(requestId, { finishedMs: elapsedMs(world), outcome: 'lost' });
  response.destroy();
}

function openRow({ requestId, arrivedMs, call, course }: Following): LedgerRow {
  return {
    id: requestId,
    face: call.face,
    model: call.model,
    quality: call.quality,
    size: call.size,
    n: call.n,
    references: call.references.length,
    partialImages: call.stream?.partialImages,
    arrivedMs,
    finishedMs: undefined,
    generationMs: course.delayMs,
    bytesOut: 0,
    clientGoneAtMs: undefined,
    outcome: 'generating',
    fault: course.fault,
    billed: ZERO_USD,
    orphaned: false,
  };
}

function settlement({ world, call, course }: Following, usage: Facts['usage'], gone: boolean): Partial<LedgerRow> {
  const orphaned = gone && course.billed;
  return {
    finishedMs: elapsedMs(world),
    outcome: orphaned ? 'lost' : course.outcome,
    billed: course.billed ? billOf(call, usage) : ZERO_USD,
    orphaned,
  };
}

/** Starts at arrival, so that drawing overlaps the latency. */
function paint(world: World, call: ImageCall, alterations: readonly Alteration[]): Promise<readonly EncodedPicture[]> {
  const drawing = Promise.all(wishesOf(call, alterations).map((wish) => world.pictures.picture(call, wish)));
  // The failure is met when the course ends; until then it must not be called unhandled.
  drawing.catch(() => undefined);
  return drawing;
}

function wishesOf(call: ImageCall, alterations: readonly Alteration[]): readonly PictureWish[] {
  const size = alterations.includes('wrong-size') ? otherSize(call.size) : call.size;
  const format = alterations.includes('wrong-format') ? (call.format === 'png' ? 'jpeg' : 'png') : call.format;
  return Array.from({ length: call.n }, (_, index) => ({ index, size, format }));
}

function otherSize(size: Size): Size {
  return { width: Math.max(16, Math.round(size.width / 32) * 16), height: Math.max(16, Math.round((size.height * 0.6) / 16) * 16) };
}

/** Returns the bytes handed over. */
function end(following: Following, facts: Facts, drawn: readonly EncodedPicture[]): number {
  const { world, response, call, course, requestId, face } = following;
  const { ending, stream } = course;
  switch (ending.kind) {
    case 'silence':
      return 0;
    case 'cut':
      response.socket?.resetAndDestroy();
      return 0;
    case 'answer': {
      if (stream === undefined) return following.reply(ending.answer);
      const outer = face === 'aggregator' ? aggregator.relayed(ending.answer, requestId) : ending.answer;
      return carry(world, response, partsOf(answerEvents(outer, call.protocol), call), course.transport);
    }
    case 'pictures': {
      const pictures = spoilt(drawn, ending.alterations);
      const success: Success = { ...facts, createdSeconds: createdSeconds(world), pictures };
      if (stream === undefined) return following.reply(jsonAnswer(200, successBody(success)));
      return carry(world, response, partsOf(successEvents(success), call), course.transport);
    }
  }
}
