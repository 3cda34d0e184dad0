// For whoever runs the gateway: is it alive, does it take work, how is it doing.
import { readiness } from '../../observe/readiness.ts';
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
    const { isDraining, isStoreHealthy, held, work, router } = call.gateway;
    const { isReady, body } = readiness({
      isDraining: isDraining(),
      isStoreHealthy: isStoreHealthy?.() ?? true,
      isFull: held.isFull || work.isFull,
      targets: router().health(),
    });
    return sendJson(call, isReady ? 200 : 503, body);
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
