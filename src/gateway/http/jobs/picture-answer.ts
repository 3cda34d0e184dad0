// One picture of a job, as the file it is: whole or in part, or not at all for who has it already. It is read and sent a piece
// at a time, the next when the one before was taken, so a slow reader holds a piece and not a picture.
import { EXTENSION_OF_FORMAT, mediaTypeOf } from '../../../domain/image.ts';
import type { Job, StoredImage } from '../../../domain/job.ts';
import type { BlobRange } from '../../../jobs/blob-store.ts';
import type { Jobs } from '../../../jobs/jobs.ts';
import type { Call } from '../call.ts';
import { Refusal } from '../refusal.ts';
import { sendAnswer } from '../send.ts';
import { sendPieces } from '../send-pieces.ts';
import { isListed, readRange } from './byte-range.ts';
import { picturesGone } from './job-end.ts';
import { pictureOf } from './job-lookup.ts';
import type { PictureKind } from './job-object.ts';

/** Large enough that reading it costs little, small enough that a thousand readers hold a quarter of a gigabyte. */
const PIECE_BYTES = 256 * 1024;
/** A picture never changes under its name; but it may be deleted, and caches of strangers are to forget it then. */
const CACHE_CONTROL = 'private, max-age=300';

/** Throws Refusal. */
export async function answerPicture(call: Call, jobs: Jobs, job: Job, kind: PictureKind): Promise<Response> {
  const image = pictureOf(call, job, kind);
  const etag = `"${image.sha256}"`;
  const about = { etag, 'accept-ranges': 'bytes', 'cache-control': CACHE_CONTROL };
  if (isListed(call.headers.get('if-none-match'), etag)) return sendAnswer(call, { status: 304, headers: about, body: [], facts: {} });
  const ifRange = call.headers.get('if-range');
  const reading = readRange(ifRange === null || ifRange === etag ? call.headers.get('range') : null, image.bytes);
  if (reading.kind === 'unsatisfiable') throw outside(image);
  const range = reading.kind === 'part' ? reading.range : { start: 0, end: image.bytes - 1 };
  const headers = {
    ...about,
    'content-type': mediaTypeOf(image.format),
    'content-disposition': `inline; filename="${nameOf(job, kind, call.pathIndex)}.${EXTENSION_OF_FORMAT[image.format]}"`,
    // A file that is opened by itself may load and run nothing.
    'content-security-policy': "default-src 'none'; sandbox",
    ...(reading.kind === 'part' ? { 'content-range': `bytes ${range.start}-${range.end}/${image.bytes}` } : {}),
    'content-length': String(range.end - range.start + 1),
  };
  const status = reading.kind === 'part' ? 206 : 200;
  // The first piece tells whether the picture is still there, while there is time to say that it is not.
  const first = await jobs.content(image, pieceAt(range, range.start));
  if (first === undefined) throw new Refusal(picturesGone(job));
  const pieces = piecesOf(first, range.end - range.start + 1, (offset) => jobs.content(image, pieceAt(range, range.start + offset)));
  return sendPieces(call, status, headers, pieces);
}

/** Kept side by side, a preview must not pass for the image. */
function nameOf({ id }: Job, kind: PictureKind, index: string | undefined): string {
  return kind === 'preview' ? `${id}-preview-${index}` : `${id}-${index}`;
}

function pieceAt({ end }: BlobRange, start: number): BlobRange {
  return { start, end: Math.min(end, start + PIECE_BYTES - 1) };
}

function outside({ bytes }: StoredImage): Refusal {
  return new Refusal({
    status: 416,
    code: 'range_not_satisfiable',
    message: `The picture has ${bytes} bytes; the range lies outside.`,
    param: 'range',
    headers: { 'content-range': `bytes */${bytes}` },
  });
}

/** Undefined: nothing is left there. */
type Read = (offset: number) => Promise<Uint8Array | undefined>;

async function* piecesOf(first: Uint8Array, length: number, read: Read): AsyncGenerator<Uint8Array> {
  yield first;
  for (let sent = first.byteLength; sent < length; ) {
    const piece = await read(sent);
    if (piece === undefined || piece.byteLength === 0) throw new Error('a picture ended before its length');
    sent += piece.byteLength;
    yield piece;
  }
}
