// The scenes. Each is a function of a canvas; the prompt's words choose one where they can, its hash where they cannot, so
// that two prompts seldom look alike and the same prompt always does.
import type { Canvas, Scene } from './canvas.ts';
import { city } from './scenes/city.ts';
import { dunes, hills, mountains } from './scenes/land.ts';
import { room } from './scenes/room.ts';
import { sea } from './scenes/sea.ts';
import { space } from './scenes/space.ts';

export type SceneName = 'hills' | 'sea' | 'city' | 'mountains' | 'dunes' | 'room' | 'space';

export const SCENES: Readonly<Record<SceneName, (canvas: Canvas) => Scene>> = { hills, sea, city, mountains, dunes, room, space };

/** Words that ask for a scene. */

export const SCENE_WORDS: readonly (readonly [pattern: RegExp, name: SceneName])[] = [
  [/\b(?:space|planet|rocket|astronaut|galaxy|moon landing|orbit)\b/i, 'space'],
  [/\b(?:sea|ocean|beach|boat|sail\w*|harbou?r|ship|lighthouse|island|whale)\b/i, 'sea'],
  [/\b(?:city|street|skyline|skyscrapers?|shop|store|bakery|neon|downtown|caf\u00e9|cafe|bar|cinema|market)\b/i, 'city'],
  [/\b(?:mountains?|alps?|lake|peak|ski|fjord)\b/i, 'mountains'],
  [/\b(?:desert|dunes?|sand|cactus|camel|pyramids?)\b/i, 'dunes'],
  [/\b(?:table|kitchen|room|window|coffee|cup|mug|tea|vase|flowers?|desk|menu|breakfast|indoors?)\b/i, 'room'],
  [/\b(?:forest|woods?|meadow|hills?|farm|field|garden|countryside|valley)\b/i, 'hills'],
];
