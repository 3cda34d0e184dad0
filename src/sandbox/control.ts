// The sandbox's own door, `/__sim/...`: what it is doing, its books, and faults while it runs. Loopback only, no key; a
// page in a browser cannot use it, because what changes anything must be sent as JSON.
import type { IncomingMessage } from 'node:http';
import { dollars } from '../domain/money.ts';
import { type Answer, jsonAnswer } from './call.ts';
import { parseFaultRule } from './faults/injector.ts';
import { FAULTS } from './faults/table.ts';
import { statsOf } from './stats.ts';
import { elapsedMs, resetWorld, type World } from './world.ts';

type Handler = (world: World, body: Buffer) => Answer;

const HANDLERS: Readonly<Record<string, Handler>> = {
  'GET state': (world) => jsonAnswer(200, stateOf(world)),
  'GET ledger': (world) => jsonAnswer(200, { rows: world.memory.ledger.rows().map((row) => ({ ...row, billedUsd: dollars(row.billed) })) }),
  'GET faults': (world) =>
    jsonAnswer(200, {
      rules: world.memory.injector.rules(),
      known: Object.entries(FAULTS).map(([id, { summary, parameters }]) => ({ id, summary, parameters })),
    }),
  'POST faults': injectFrom,
  'DELETE faults': (world) => {
    world.memory.injector.clear();
    return jsonAnswer(200, { rules: [] });
  },
  'POST reset': (world) => {
    resetWorld(world);
    return jsonAnswer(200, stateOf(world));
  },
};

export function controlAnswer(world: World, resource: string, request: IncomingMessage, body: Buffer): Answer {
  const handler = HANDLERS[`${request.method} ${resource}`];
  if (handler === undefined) return complaint(404, `no such control resource; known are ${Object.keys(HANDLERS).join(', ')}`);
  if (request.headers.origin !== undefined) return complaint(403, 'the control door is not for web pages');
  return handler(world, body);
}

function complaint(status: number, message: string): Answer {
  return jsonAnswer(status, { error: { message } });
}

function injectFrom(world: World, body: Buffer): Answer {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return complaint(400, 'rule: must be JSON, such as {"fault":"outage","face":"openai"}');
  }
  try {
    world.memory.injector.inject(parseFaultRule(value));
  } catch (error) {
    if (error instanceof RangeError) return complaint(400, error.message);
    throw error;
  }
  return jsonAnswer(200, { rules: world.memory.injector.rules() });
}

function stateOf(world: World): unknown {
  const { seed, profile } = world.settings;
  return {
    nowMs: elapsedMs(world),
    speed: world.clock.speed,
    seed,
    profile,
    faults: world.memory.injector.rules(),
    stats: statsOf(world),
  };
}
