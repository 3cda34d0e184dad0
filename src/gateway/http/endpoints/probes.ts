// For whoever runs the gateway: is it alive, does it take work, how is it doing.

import { utf8 } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { sendAnswer, sendJson } from '../send.ts';

export const livez: Endpoint = {
  method: 'GET',
  path: '/livez',
  scope: undefined,
  summary: 'Tell whether the process is alive',
  handle: (call) => sendJson(call, 200, { status: 'ok' }),
};

export const readyz: Endpoint = {
  method: 'GET',
  path: '/readyz',
  scope: undefined,
  summary: 'Tell whether image requests would be taken now',
  handle: (call) => {
    const { isDraining, held, work } = call.gateway;
    const status = isDraining() ? 'draining' : held.isFull || work.isFull ? 'overloaded' : 'ready';
    return sendJson(call, status === 'ready' ? 200 : 503, { status });
  },
};

export const metrics: Endpoint = {
  method: 'GET',
  path: '/metrics',
  scope: 'admin',
  summary: 'Read metrics as Prometheus does',
  handle: async (call) => {
    const text = await call.gateway.observer.metricsText();
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
    return sendAnswer(call, { status: 200, headers, body: [utf8(text)], facts: {} });
  },
};
