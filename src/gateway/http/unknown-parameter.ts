// A name in a body or a query that means nothing here: said, with the near miss, because a misspelt parameter that was ignored
// would be found out by its price.
import { nearest } from '../../domain/problem.ts';
import { Refusal } from './refusal.ts';

/** Names are echoed, so what was sent in the place of one must not be. */
const LONGEST_NAME = 64;

export function unknownParameter(name: string, known: readonly string[]): Refusal {
  const shown = name.slice(0, LONGEST_NAME);
  const near = nearest(shown, known);
  return new Refusal({
    status: 400,
    code: 'unknown_parameter',
    message: `Unknown parameter: '${shown}'.`,
    param: shown,
    remedy: near === undefined ? `remove it; known are ${known.join(', ')}` : `did you mean "${near}"?`,
  });
}
