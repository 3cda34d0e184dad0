// GET /v1/models: every name that `model` may have, in OpenAI's shape. A key that may use only some sees only those.
import type { Call } from '../call.ts';
import type { Endpoint } from '../endpoint.ts';
import { listModels, type ModelEntry, unknownModel } from '../openai/model-name.ts';
import { sendJson } from '../send.ts';

/** Nobody here knows when a model was created, and the field is required. */
const UNKNOWN_DATE = 0;

export const models: Endpoint = {
  method: 'GET',
  path: '/v1/models',
  scope: 'read',
  summary: 'List the models, tiers and routes that can be asked for',
  handle: (call) => sendJson(call, 200, { object: 'list', data: modelsFor(call).map(modelObject) }),
};

export const model: Endpoint = {
  method: 'GET',
  path: '/v1/models/:id',
  scope: 'read',
  summary: 'Look at one of them',
  handle: (call) => {
    const id = call.pathId ?? '';
    const entries = modelsFor(call);
    const entry = entries.find((known) => known.id === id);
    if (entry === undefined) throw unknownModel(id, entries);
    return sendJson(call, 200, modelObject(entry));
  },
};

function modelsFor({ gateway, principal }: Call): readonly ModelEntry[] {
  const { aliases } = gateway.settings();
  const allowed = principal.limits.models;
  const entries = listModels(aliases, gateway.options());
  return allowed === undefined ? entries : entries.filter(({ id }) => allowed.includes(aliases[id] ?? id));
}

function modelObject({ id, kind, routes }: ModelEntry) {
  const [first] = routes;
  const isOne = kind === 'route' || kind === 'model';
  return {
    id,
    object: 'model',
    created: UNKNOWN_DATE,
    owned_by: isOne && first !== undefined ? first.provider : 'image-router',
    image_router: { kind, routes: routes.map((route) => route.id) },
  };
}
