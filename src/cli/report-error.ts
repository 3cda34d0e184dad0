// The one way in which a command fails: code, message, each problem with its remedy, what would have worked, and what it
// may have cost. People read it on stderr; with --json it is the one object on stdout. Never a stack trace.
import type { CommanderError } from 'commander';
import { ERROR_CODES, type ImageRouterError, type Problem } from '../domain/error.ts';
import { formatUsd } from '../domain/money.ts';
import type { Offer } from '../domain/plan.ts';
import { problemsError } from '../domain/problem.ts';
import { costJson, costOfFailure } from './cost.ts';
import { durationText } from './duration-text.ts';
import { type Io, print, printJson } from './io.ts';
import { type Paint, paintFor } from './paint.ts';
import { DURATION_REMEDY } from './quantities.ts';
import { OPTION_OF_FIELD } from './request-options.ts';

/** Reports the error and answers with the process's exit code. */
export function reportError(error: ImageRouterError, io: Io, asJson: boolean): number {
  if (asJson) printJson(io.stdout, { error: errorJson(error) });
  else print(io.stderr, describeError(error, paintFor(io.stderr, io.env)));
  return ERROR_CODES[error.code].exit;
}

function errorJson(error: ImageRouterError): unknown {
  const cost = costOfFailure(error.trace);
  return {
    code: error.code,
    message: error.message,
    problems: error.problems.map((problem) => ({ ...problem, option: optionOf(error, problem), remedy: remedyOf(problem) })),
    remedy: error.problems[0] === undefined ? error.remedy : remedyOf(error.problems[0]),
    offers: error.offers,
    ...(cost === undefined ? {} : { cost: costJson(cost) }),
    ...(error.trace === undefined ? {} : { requestId: error.trace.requestId }),
  };
}

function describeError(error: ImageRouterError, paint: Paint): string {
  const head = paint('red', `error ${error.code}:`);
  const lines = error.problems.length === 0 ? [`${head} ${error.message}`, ...remedyLine(error)] : problemLines(error, head);
  const offers = error.offers.map((offer, index) => `${index === 0 ? '  would work:' : '          or:'} ${describeOffer(offer)}`);
  const cost = costOfFailure(error.trace);
  const spent = cost === undefined ? [] : [`  cost: ${formatUsd(cost.billed)} billed, ${formatUsd(cost.possiblyBilled)} possibly billed`];
  return [...lines, ...offers, ...spent].join('\n');
}

function remedyLine(error: ImageRouterError): readonly string[] {
  return error.remedy === undefined || error.offers.length > 0 ? [] : [`  remedy: ${error.remedy}`];
}

function problemLines(error: ImageRouterError, head: string): readonly string[] {
  const remedy = (problem: Problem): readonly string[] => {
    const text = remedyOf(problem);
    return text === undefined ? [] : [`  remedy: ${text}`];
  };
  const [only] = error.problems;
  if (error.problems.length === 1 && only !== undefined) return [`${head} ${describeProblem(error, only)}`, ...remedy(only)];
  return [
    `${head} ${error.problems.length} problems`,
    ...error.problems.flatMap((problem) => [`- ${describeProblem(error, problem)}`, ...remedy(problem)]),
  ];
}

function describeProblem(error: ImageRouterError, problem: Problem): string {
  const at = 'at' in problem ? `${problem.at} ` : '';
  const got = problem.value === undefined ? '' : `, got ${problem.value}`;
  return `${at}${optionOf(error, problem) ?? problem.field} ${problem.rule}${got}`;
}

/** A field that was typed as an option is spoken of by that name. */
function optionOf(error: ImageRouterError, problem: Problem): string | undefined {
  return error.code === 'invalid_config' ? undefined : OPTION_OF_FIELD[problem.field];
}

/** The library speaks of milliseconds, the command line of durations. */
function remedyOf(problem: Problem): string | undefined {
  return problem.field === 'latencyBudgetMs' ? DURATION_REMEDY : problem.remedy;
}

/** An offer as the option to add: `--budget 27s (nano-banana-pro, 88 % in time)`. */
function describeOffer(offer: Offer): string {
  const chance = 'chance' in offer ? `, ${Math.round(offer.chance * 100)} % in time` : '';
  const by = `(${offer.route}${chance})`;
  switch (offer.change) {
    case 'latencyBudgetMs':
      return `--budget ${Math.ceil(offer.to / 1_000)}s ${by}`;
    case 'maxCostUsd':
      return `--max-cost ${offer.to} ${by}`;
    case 'retryAfterMs':
      return `again in ${durationText(offer.to)} ${by}`;
    default:
      return `${OPTION_OF_FIELD[offer.change] ?? offer.change} ${offer.to} ${by}`;
  }
}

/** commander's own complaints in the same form: what was typed, what is wrong with it, what was probably meant. */
export function fromCommander(error: CommanderError): ImageRouterError {
  const text = error.message.replace(/^error: /, '');
  const named = /'([^']*)'/.exec(text)?.[1] ?? 'command line';
  const meant = /\(Did you mean (.*)\?\)/.exec(text)?.[1];
  const rules: Readonly<Record<string, Omit<Problem, 'value'>>> = {
    'commander.unknownOption': { field: named, rule: 'is not a known option', remedy: suggestion(meant) },
    'commander.unknownCommand': { field: named, rule: 'is not a known command', remedy: suggestion(meant) },
    'commander.missingArgument': {
      field: named,
      rule: 'is required',
      remedy: `give it as an argument, or - to read it from standard input`,
    },
    'commander.optionMissingArgument': {
      field: /--[\w-]+/.exec(named)?.[0] ?? named,
      rule: 'needs a value',
      remedy: `write it as ${named}`,
    },
    'commander.excessArguments': { field: 'arguments', rule: 'are too many', remedy: 'put the prompt in quotation marks' },
  };
  const problem = rules[error.code] ?? { field: named, rule: text, remedy: 'see image-router --help' };
  return problemsError('invalid_request', 'request', [{ ...problem, value: undefined }]);
}

function suggestion(meant: string | undefined): string {
  return meant === undefined ? 'see image-router --help' : `did you mean ${meant}?`;
}
