// The pictures of a scene in the report: one, two side by side where one came before the other, or a contact sheet.
import sharp from 'sharp';
import { durationText } from '../duration-text.ts';
import type { BatchPicture, Ending, Episode } from './episode.ts';
import { html, type Markup } from './html.ts';

/** `isWide`: they need the whole width of the card. */
export type Pictures = { readonly markup: Markup; readonly isWide: boolean };

/** Wide enough for a sharp 300-pixel column on a dense screen, small enough that a report can be mailed. */
const PICTURE_WIDTH = 640;
/** A tenth of the card, sharp on a dense screen. */
const THUMBNAIL_WIDTH = 200;
const QUALITY = 80;

export async function renderPictures(episode: Episode): Promise<Pictures> {
  const { ending, scene, reference } = episode;
  if (ending.kind === 'batch') return { markup: await contactSheet(ending.items), isWide: true };
  const image = ending.kind === 'delivered' ? ending.result.images[0] : undefined;
  if (ending.kind === 'failed' || image === undefined) {
    return { markup: html`<div class="none">no picture${scene.promise.error === undefined ? '' : ', as promised'}</div>`, isWide: false };
  }
  const alt = scene.request.prompt;
  const seconds = durationText(ending.result.elapsedMs);
  const preview = ending.result.preview;
  const first = preview?.images[0];
  if (preview !== undefined && first !== undefined) {
    const early = await figure(first.bytes, `Preview: ${alt}`, `preview after ${durationText(preview.elapsedMs)}`, preview.route);
    return pair(early, await figure(image.bytes, alt, `image after ${seconds}`, `${ending.result.route}, ${fileText(ending)}`));
  }
  if (reference !== undefined) {
    const before = await figure(reference, 'The picture that was worked from', 'before', 'the reference image');
    return pair(before, await figure(image.bytes, alt, 'after', fileText(ending)));
  }
  return {
    markup: html`<img src="${await embed(image.bytes, PICTURE_WIDTH)}" alt="${alt}"><p class="caption">${fileText(ending)}</p>`,
    isWide: false,
  };
}

function pair(left: Markup, right: Markup): Pictures {
  return { markup: html`<div class="pair">${left}${right}</div>`, isWide: true };
}

async function figure(bytes: Uint8Array, alt: string, title: string, detail: string): Promise<Markup> {
  return html`<figure><img src="${await embed(bytes, PICTURE_WIDTH)}" alt="${alt}"><figcaption><b>${title}</b>, ${detail}</figcaption></figure>`;
}

async function contactSheet(items: readonly BatchPicture[]): Promise<Markup> {
  const cells: Markup[] = [];
  for (const { prompt, image, route, elapsedMs } of items) {
    const picture =
      image === undefined
        ? html`<div class="none">${route}</div>`
        : html`<img src="${await embed(image, THUMBNAIL_WIDTH)}" alt="${prompt}" title="${prompt}">`;
    cells.push(html`<figure>${picture}<figcaption>${durationText(elapsedMs)}</figcaption></figure>`);
  }
  return html`<div class="sheet">${cells}</div>`;
}

async function embed(bytes: Uint8Array, width: number): Promise<string> {
  const small = await sharp(bytes).resize({ width, withoutEnlargement: true }).webp({ quality: QUALITY }).toBuffer();
  return `data:image/webp;base64,${small.toString('base64')}`;
}

function fileText({ files }: Extract<Ending, { kind: 'delivered' }>): string {
  return files.map((file) => `${file.width} x ${file.height} ${file.format}, ${Math.round(file.bytes / 1_000)} kB`).join('; ');
}
