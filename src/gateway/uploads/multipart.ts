// Reads the form of an edit. Files are checked while they arrive, so a form with a bomb, a film or a seventeenth picture
// is refused at that part's first bytes, with the rest unread. At no time is more held than the limits allow; joining a
// file's pieces briefly takes that one file's bytes a second time.
import { isUtf8 } from 'node:buffer';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import type { Refusal } from '../http/refusal.ts';
import { type BodyRules, readBody, type Sink } from './bounded-body.ts';
import { byteCollector } from './byte-collector.ts';
import { MOST_IMAGES, partGate } from './form-parts.ts';
import { pictureIntake } from './picture-intake.ts';
import { uploadRefused } from './upload-refused.ts';

export type FormRules = BodyRules & {
  /** Bytes of one file. */
  readonly fileBytesLimit: number;
  readonly textNames: readonly string[];
};

export type Form = {
  readonly texts: Readonly<Record<string, string>>;
  /** In the order sent. */
  readonly images: readonly Uint8Array[];
  readonly mask: Uint8Array | undefined;
};

/** A prompt of 32 000 characters, each of four bytes, is the longest text there is. */
const TEXT_BYTES_LIMIT = 128 * 1024;
/** Two header lines are usual; a file name may be long. */
const PART_HEADER_BYTES = 8 * 1024;
const PART_HEADER_LINES = 16;
/** Everything the gate admits; the parser's own limits only end what the gate no longer sees. */
const SPARE_PARTS = 2;

/** Rejects with Refusal. */
export async function readForm(request: Request, rules: FormRules): Promise<Form> {
  const texts = new Map<string, string>();
  const images: Uint8Array[] = [];
  let mask: Uint8Array | undefined;
  const gate = partGate(rules.textNames);

  const open = (name: string | undefined, fileName: string | undefined, declaredType: string): Intake => {
    const part = gate.admit(name);
    if (part.kind === 'text') {
      if (fileName !== undefined) throw fileForText(part.param);
      return textIntake(part.param, (text) => texts.set(part.param, text));
    }
    const isMask = part.kind === 'mask';
    const intake = pictureIntake({ param: part.param, isMask, declaredType, bytesLimit: rules.fileBytesLimit });
    return {
      take: intake.take,
      close: () => {
        const bytes = intake.finish();
        if (isMask) mask = bytes;
        else images.push(bytes);
      },
    };
  };

  await readParts(request, { ...rules, mostParts: MOST_IMAGES + rules.textNames.length + SPARE_PARTS }, open);
  return { texts: Object.fromEntries(texts), images, mask };
}

/** What becomes of a part, by what its header says. Throws Refusal for one that may not be. */
export type OpenPart = (name: string | undefined, fileName: string | undefined, declaredType: string) => Intake;

/** Every part goes where `open` says, while it arrives. Rejects with Refusal. */
export async function readParts(request: Request, rules: BodyRules & { readonly mostParts: number }, open: OpenPart): Promise<void> {
  await readBody(request, rules, (refuse) => {
    const parser = openParser(request, rules.mostParts);
    parser.on('error', () => refuse(malformed()));
    parser.on('file', (name: string | undefined, file, fileName: string | undefined, _encoding, declaredType) => {
      file.on('error', () => refuse(malformed()));
      // Also a refused part is drained, or the parser would wait for a reader.
      file.resume();
      attempt(refuse, () => feed(file, open(name, fileName, declaredType), refuse));
    });
    parser.once('partsLimit', () => refuse(uploadRefused('invalid_multipart', 'The form has too many parts.')));
    return sinkOf(parser);
  });
}

/** One part's content on its way to where it belongs. Both methods throw Refusal. */
export type Intake = { readonly take: (piece: Uint8Array) => void; readonly close: () => void };

function feed(file: BusboyFileStream, intake: Intake, refuse: (why: unknown) => void): void {
  file.on('data', (piece: Buffer) => attempt(refuse, () => intake.take(piece)));
  file.once('end', () => attempt(refuse, intake.close));
}

export function textIntake(param: string, keep: (text: string) => void): Intake {
  const bytes = byteCollector();
  return {
    take: (piece) => {
      if (bytes.length + piece.byteLength > TEXT_BYTES_LIMIT) throw textTooLong(param);
      bytes.add(piece);
    },
    close: () => {
      const read = bytes.join();
      if (!isUtf8(read)) throw uploadRefused('invalid_value', `The field '${param}' must be UTF-8 text.`, { param });
      keep(Buffer.from(read.buffer, read.byteOffset, read.byteLength).toString());
    },
  };
}

function openParser(request: Request, mostParts: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': request.headers.get('content-type') ?? '' },
      // Every part streams through a gate of ours; the parser would hold a text to its end before showing its name.
      isPartAFile: () => true,
      limits: { parts: mostParts, headerPairs: PART_HEADER_LINES, headerSize: PART_HEADER_BYTES },
    });
  } catch {
    throw malformed();
  }
}

function sinkOf(parser: BusboyInstance): Sink {
  return {
    write: (piece) => new Promise((resolve) => void parser.write(piece, () => resolve())),
    end: () =>
      new Promise((resolve) => {
        parser.once('finish', resolve);
        parser.end();
      }),
  };
}

/** Handlers of the parser must not throw into it: what they refuse ends the reading instead. */
function attempt(refuse: (why: unknown) => void, action: () => void): void {
  try {
    action();
  } catch (error) {
    refuse(error);
  }
}

function malformed(): Refusal {
  const remedy = 'let a client library build the form; the boundary in content-type must be the one in the body';
  return uploadRefused('invalid_multipart', 'The body is no complete multipart form.', { remedy });
}

function fileForText(param: string): Refusal {
  return uploadRefused('invalid_value', `The field '${param}' must be text, not a file.`, { param });
}

function textTooLong(param: string): Refusal {
  const rule = `must be at most ${TEXT_BYTES_LIMIT} bytes`;
  return uploadRefused('request_too_large', `The field '${param}' ${rule}.`, { param, rule });
}
