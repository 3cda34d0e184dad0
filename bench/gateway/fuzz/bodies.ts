// Bodies of fuzz cases: JSON and forms, nearly right, and the same bytes cut, swapped, doubled and overwritten.
import { crc32, deflateSync } from 'node:zlib';
import type { Draw } from './draw.ts';
import { body, CANARY, FIELDS, plausible, prompt, text } from './values.ts';

export type Payload = { readonly type: string; readonly bytes: Buffer };

const JSON_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'text/plain',
  'application/json;;',
  'application/jsonx',
  '',
];

/** `hasPictures`: as an edit has. */
export function jsonPayload(draw: Draw, hasPictures: boolean): Payload {
  const fields = body(draw);
  if (hasPictures) fields.images = [{ image_url: imageUri(draw) }];
  if (draw.chance(0.05)) fields.mask = { image_url: imageUri(draw) };
  const written = draw.chance(0.05) ? manyValues(draw) : JSON.stringify(fields);
  return { type: draw.chance(0.95) ? 'application/json' : draw.pick(JSON_TYPES), bytes: damaged(draw, Buffer.from(written), 0.2) };
}

function manyValues(draw: Draw): string {
  return draw.pick(['[', '{"a":', '[],', '{"a":1,', '"a",', '0']).repeat(1 + draw.below(60_000));
}

function imageUri(draw: Draw): string {
  const bytes = damaged(draw, picture(draw), 0.2).toString('base64');
  const prefix = draw.pick([
    'data:image/png;base64,',
    'data:image/png;base64,',
    'data:image/png;base64,',
    'data:image/jpeg;base64,',
    'data:,',
    'https://127.0.0.1/',
    'https://[::1]/',
    'file:///',
    '',
  ]);
  return `${prefix}${bytes}${draw.chance(0.1) ? '!' : ''}`;
}

const BOUNDARIES = ['x', `----${CANARY}`, 'a b', '"quoted"', 'é', '-'.repeat(70), ''];

export function formPayload(draw: Draw): Payload {
  const boundary = draw.chance(0.9) ? 'fuzz-boundary' : draw.pick(BOUNDARIES);
  const parts = [part(draw, boundary, 'prompt', Buffer.from(prompt(draw))), part(draw, boundary, imageName(draw), picture(draw))];
  for (let count = draw.below(draw.chance(0.05) ? 24 : 4); count > 0; count -= 1) {
    const isFile = draw.chance(0.4);
    const [name, given] = draw.chance(0.8) ? plausible(draw) : [draw.pick(FIELDS), text(draw)];
    const extra = isFile ? part(draw, boundary, imageName(draw), picture(draw)) : part(draw, boundary, name, Buffer.from(String(given)));
    parts.splice(draw.below(parts.length + 1), 0, extra);
  }
  const bytes = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
  const type = draw.chance(0.9)
    ? `multipart/form-data; boundary=${boundary}`
    : draw.pick([
        'multipart/form-data',
        'multipart/mixed; boundary=x',
        `multipart/form-data; boundary=${boundary}; boundary=y`,
        'multipart/form-data; boundary=""',
      ]);
  return { type, bytes: damaged(draw, bytes, 0.3) };
}

function imageName(draw: Draw): string {
  return draw.pick([
    'image',
    'image',
    'image',
    'image[]',
    'image[]',
    'image[]',
    'image[0]',
    'mask',
    'image[99]',
    'image[a]',
    'img',
    'image"; name="mask',
  ]);
}

function part(draw: Draw, boundary: string, name: string, content: Buffer): Buffer {
  const fileName = draw.chance(name.startsWith('image') ? 0.5 : 0.03)
    ? `; filename="${draw.pick(['a.png', '../a', 'é.jpg', 'a";x="', ''])}"`
    : '';
  const type = draw.chance(0.5)
    ? `content-type: ${draw.pick(['image/png', 'image/jpeg', 'image/svg+xml', 'text/plain', 'x', ''])}\r\n`
    : '';
  const extra = draw.chance(0.05)
    ? `${draw.pick(['content-transfer-encoding: base64', 'x: y', ': ', '\0', 'content-disposition: form-data'])}\r\n`
    : '';
  return Buffer.concat([
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"${fileName}\r\n${type}${extra}\r\n`),
    content,
    Buffer.from('\r\n'),
  ]);
}

/** A true small PNG, now and then with a mad size, or something that is no picture at all. */
function picture(draw: Draw): Buffer {
  if (draw.chance(0.2))
    return draw.pick([Buffer.from('<svg/>'), Buffer.from('GIF89a'), Buffer.alloc(0), Buffer.from([0xff, 0xd8, 0xff]), draw.bytes(40)]);
  const [width, height] = draw.chance(0.7) ? [16, 16] : [draw.pick([0, 1, 40_000, 2 ** 31]), draw.pick([0, 1, 40_000])];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(16 * 65))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const whole = Buffer.alloc(12 + data.length);
  whole.writeUInt32BE(data.length, 0);
  whole.write(type, 4, 'latin1');
  whole.set(data, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, 8 + data.length)), 8 + data.length);
  return whole;
}

/** With `share` of a chance, the bytes after an accident. */
function damaged(draw: Draw, bytes: Buffer, share: number): Buffer {
  if (bytes.length === 0 || !draw.chance(share)) return bytes;
  const at = draw.below(bytes.length);
  const to = Math.min(bytes.length, at + 1 + draw.below(64));
  const [before, within, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  const accidents = [
    before,
    Buffer.concat([before, after]),
    Buffer.concat([before, within, within, after]),
    Buffer.concat([before, draw.bytes(to - at), after]),
  ];
  return draw.pick(accidents);
}
