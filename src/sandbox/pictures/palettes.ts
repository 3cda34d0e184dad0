// Palettes chosen by eye. A prompt's hash picks one; words such as "night" or "sunset" narrow the choice.
import type { Palette } from './canvas.ts';

type PaletteName = 'dawn' | 'noon' | 'sunset' | 'autumn' | 'winter' | 'mint' | 'rose' | 'night' | 'aurora';

export const PALETTES: Readonly<Record<PaletteName, Palette>> = {
  dawn: {
    night: false,
    sky: ['#5b6fb5', '#e8a0a8', '#ffe1b8'],
    sun: '#fff3d1',
    far: '#b98fae',
    near: '#2f3a5c',
    water: '#7f8fc4',
    accent: '#e4572e',
    second: '#f2c14e',
  },
  noon: {
    night: false,
    sky: ['#2f80c9', '#7fc0ea', '#e6f5fb'],
    sun: '#fff6c9',
    far: '#a9c9bf',
    near: '#2c6e49',
    water: '#3d8fb8',
    accent: '#d8412f',
    second: '#ffd166',
  },
  sunset: {
    night: false,
    sky: ['#3b2a63', '#d1495b', '#ffb25b'],
    sun: '#ffe9a8',
    far: '#a04a6a',
    near: '#2a1a3a',
    water: '#8a3f6b',
    accent: '#ffd166',
    second: '#ef8354',
  },
  autumn: {
    night: false,
    sky: ['#7aa6c2', '#cfdcd8', '#f6e7cb'],
    sun: '#fff2cf',
    far: '#cbb592',
    near: '#7a3b1e',
    water: '#6e94a0',
    accent: '#c8401f',
    second: '#e9a23b',
  },
  winter: {
    night: false,
    sky: ['#6f93b8', '#b9d0e3', '#f3f6fa'],
    sun: '#ffffff',
    far: '#c3d3e2',
    near: '#4d6b86',
    water: '#8fb0c9',
    accent: '#b5383a',
    second: '#e8b04b',
  },
  mint: {
    night: false,
    sky: ['#56a3a6', '#a9d6c5', '#f7f3d7'],
    sun: '#fffbe0',
    far: '#a8cdb9',
    near: '#1f5a52',
    water: '#4f9d9a',
    accent: '#e76f51',
    second: '#f4c95d',
  },
  rose: {
    night: false,
    sky: ['#9d6b94', '#eab8c2', '#fdeee0'],
    sun: '#fff7ea',
    far: '#d2a1b4',
    near: '#5a3354',
    water: '#b78bab',
    accent: '#c9304f',
    second: '#f0b775',
  },
  night: {
    night: true,
    sky: ['#0a1030', '#1c2a5e', '#4a4f8f'],
    sun: '#f4f1de',
    far: '#3a4478',
    near: '#0c1226',
    water: '#1d2b5c',
    accent: '#ffcf5c',
    second: '#ef767a',
  },
  aurora: {
    night: true,
    sky: ['#07162b', '#11485a', '#3fa796'],
    sun: '#eafff5',
    far: '#1f5f6b',
    near: '#06141f',
    water: '#14505c',
    accent: '#ffd86b',
    second: '#e4718a',
  },
};

export const PALETTE_WORDS: readonly (readonly [pattern: RegExp, names: readonly PaletteName[]])[] = [
  [/\b(?:night|midnight|moon|moonlit|stars?|starry|neon|space|galaxy|aurora)\b/i, ['night', 'aurora']],
  [/\b(?:sunset|dusk|evening|golden hour)\b/i, ['sunset', 'rose']],
  [/\b(?:sunrise|dawn|morning)\b/i, ['dawn', 'rose']],
  [/\b(?:snow|snowy|winter|ice|icy|christmas)\b/i, ['winter']],
  [/\b(?:autumn|fall|october|harvest)\b/i, ['autumn']],
  [/\b(?:spring|summer|meadow|garden|jungle)\b/i, ['noon', 'mint']],
];

/** Where the words do not say: `aurora` is too particular to come unasked. */
export const ANY_PALETTE: readonly PaletteName[] = ['dawn', 'noon', 'sunset', 'autumn', 'winter', 'mint', 'rose', 'night'];
