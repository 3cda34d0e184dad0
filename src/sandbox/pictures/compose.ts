// From a prompt to a picture as SVG: the prompt's words and hash choose scene, palette and figure; the route's accuracy
// chooses how finely it is painted and how well it is lettered. Deterministic: the same call is the same picture.
import type { Size } from '../../domain/size.ts';
import { hash32, type Random, seededRandom } from '../../system/random.ts';
import { quotedTextsIn } from '../model/complexity.ts';
import type { Canvas, Detail, Palette, Scene } from './canvas.ts';
import { ANY_PALETTE, PALETTE_WORDS, PALETTES } from './palettes.ts';
import { SCENE_WORDS, SCENES, type SceneName } from './scenes.ts';
import { captionOf, panelOf } from './sign.ts';
import { subjectOf } from './subjects.ts';

export type PictureSpec = {
  readonly prompt: string;
  /** Which of the images of one call. */
  readonly index: number;
  readonly size: Size;
  readonly transparent: boolean;
  /** The route's accuracies, 0 to 1. */
  readonly visual: number;
  readonly text: number;
  readonly caption: string;
};

/** SVG text whose view box has a short side of 1000 units, rendered at `pixels`. */
export function composePicture(spec: PictureSpec, pixels: Size): string {
  const { canvas, scene, lettering } = paintLayers(spec);
  return svgOf(canvas, [...scene, ...lettering], pixels);
}

/** The same in two sheets, for an edit to slip a picture between scene and lettering. */
export function composeSheets(
  spec: PictureSpec,
  pixels: Size,
): { readonly scene: string; readonly lettering: string; readonly accent: string } {
  const { canvas, scene, lettering } = paintLayers(spec);
  return { scene: svgOf(canvas, scene, pixels), lettering: svgOf(canvas, lettering, pixels), accent: canvas.palette.accent };
}

type Layers = { readonly canvas: Canvas; readonly scene: readonly string[]; readonly lettering: readonly string[] };

function paintLayers(spec: PictureSpec): Layers {
  const random = seededRandom(`${spec.prompt}|${spec.index}`);
  const unit = 1_000 / Math.min(spec.size.width, spec.size.height);
  const words = outsideQuotes(spec.prompt);
  const canvas: Canvas = {
    width: spec.size.width * unit,
    height: spec.size.height * unit,
    palette: paletteFor(words, random),
    detail: detailOf(spec.visual),
    random,
  };
  const scene = sceneFor(words, random)(canvas);
  const texts = quotedTextsIn(spec.prompt);
  // Letters have their own stream: more or fewer things in the scene must not move them.
  const letterCanvas: Canvas = { ...canvas, random: seededRandom(`${spec.prompt}|${spec.index}|${spec.caption}|letters`) };
  const panel = panelOf(letterCanvas, { texts, accuracy: spec.text });
  const figure = subjectOf(words, canvas, canvas.width * (0.3 + 0.4 * random.next()), scene.groundY, panel.bottomY);
  return {
    canvas,
    scene: [...(spec.transparent ? [] : scene.sky), ...scene.ground, ...figure],
    lettering: [...panel.parts, ...captionOf(canvas, spec.caption, random)],
  };
}

function svgOf(canvas: Canvas, parts: readonly string[], pixels: Size): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${pixels.width}" height="${pixels.height}" viewBox="0 0 ${canvas.width} ${canvas.height}" preserveAspectRatio="none">${parts.join('')}</svg>`;
}

/** A quoted word is lettering, not a thing: "CAT" on a sign is no cat. */
function outsideQuotes(prompt: string): string {
  return quotedTextsIn(prompt).reduce((rest, text) => rest.replace(text, ' '), prompt);
}

function detailOf(visual: number): Detail {
  if (visual >= 0.93) return 3;
  return visual >= 0.8 ? 2 : 1;
}

function paletteFor(words: string, random: Random): Palette {
  const asked = PALETTE_WORDS.find(([pattern]) => pattern.test(words))?.[1];
  const names = asked ?? ANY_PALETTE;
  const name = names[Math.floor(random.next() * names.length)] ?? 'noon';
  return PALETTES[name];
}

function sceneFor(words: string, random: Random): (canvas: Canvas) => Scene {
  const asked = SCENE_WORDS.find(([pattern]) => pattern.test(words))?.[1];
  const names = asked === undefined ? ANYWHERE : [asked];
  const name = names[Math.floor(random.next() * names.length)] ?? 'hills';
  return SCENES[name];
}

/** Where the words do not say. Rooms and space would surprise. */
const ANYWHERE: readonly SceneName[] = ['hills', 'sea', 'city', 'mountains', 'dunes', 'hills', 'mountains'];

/** Names the composition, so that a test can tell whose picture it holds without reading pixels. */
export function pictureMark(spec: PictureSpec): string {
  return `sandbox ${hash32(`${spec.prompt}|${spec.index}`).toString(16).padStart(8, '0')} ${spec.caption}`;
}
