// The model lists of both protocols: whatever the catalogue holds.
import type { ProviderKind } from '../../domain/vocabulary.ts';
import { type Answer, jsonAnswer } from '../call.ts';
import type { Catalogue } from '../catalogue.ts';
import * as google from './google-errors.ts';
import * as openai from './openai-errors.ts';

/** gpt-image-2 was released on 2026-04-21. */
const CREATED_SECONDS = 1_776_729_600;

export function modelsAnswer(catalogue: Catalogue, protocol: ProviderKind, version: string, model: string | undefined): Answer {
  const models = catalogue.models(protocol);
  const describe = protocol === 'openai' ? openaiModel : googleModel;
  if (model === undefined) {
    const list = models.map(describe);
    return jsonAnswer(200, protocol === 'openai' ? { object: 'list', data: list } : { models: list });
  }
  if (models.includes(model)) return jsonAnswer(200, describe(model));
  return protocol === 'openai' ? openai.modelMissing(model) : google.modelMissing(model, version);
}

function openaiModel(id: string): unknown {
  return { id, object: 'model', created: CREATED_SECONDS, owned_by: 'system' };
}

function googleModel(id: string): unknown {
  return {
    name: `models/${id}`,
    version: '3.0',
    displayName: id,
    description: `${id} (sandbox)`,
    inputTokenLimit: 131_072,
    outputTokenLimit: 32_768,
    supportedGenerationMethods: ['generateContent', 'countTokens', 'batchGenerateContent'],
  };
}
