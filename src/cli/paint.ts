// Colour for people, none for pipes: a terminal gets it unless NO_COLOR is set or TERM is dumb; FORCE_COLOR insists.
import { styleText } from 'node:util';
import type { Environment, Output } from './io.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

const PLAIN: Paint = (_style, text) => text;

export function paintFor(output: Output, env: Environment): Paint {
  return wantsColour(output, env) ? (style, text) => styleText(style, text, { validateStream: false }) : PLAIN;
}

function wantsColour(output: Output, env: Environment): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR) && env.FORCE_COLOR !== '0') return true;
  return output.isTTY === true && env.TERM !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
