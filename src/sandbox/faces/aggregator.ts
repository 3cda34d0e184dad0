// The aggregator: one key for both protocols, its own error shape, and a request id behind every message. Its errors are
// OpenAI-shaped even on Gemini paths, so a Google client finds no `status` and a `code` that is a word.
import { type Answer, jsonAnswer } from '../call.ts';

/** The gateway's own error; `relayed` puts the request id behind it as behind any other. */
function gatewayError(status: number, code: string, message: string): Answer {
  return jsonAnswer(status, { error: { message, type: 'new_api_error', param: '', code } });
}

export function badToken(): Answer {
  return gatewayError(401, '', 'Invalid token');
}

export function noChannel(model: string): Answer {
  return gatewayError(503, 'model_not_found', `No available channel for model ${model} under group default (distributor)`);
}

/** Image models of Gemini are not served on the OpenAI path. */
export function wrongProtocol(): Answer {
  return gatewayError(500, 'convert_request_failed', 'not supported model for image generation, only imagen models are supported');
}

/** An upstream error as the aggregator passes it on: its shape, the upstream's words, the request id behind them. */
export function relayed(answer: Answer, requestId: string): Answer {
  const body = answer.body;
  if (body.kind !== 'json' || !isErrorBody(body.value)) return answer;
  const { message, type, status, code, param } = body.value.error;
  const error = {
    message: `${String(message)} (request id: ${requestId})`,
    type: type ?? 'upstream_error',
    param: param ?? '',
    code: status ?? code ?? '',
  };
  return { ...answer, body: { kind: 'json', value: { error } } };
}

type ErrorBody = { readonly error: Readonly<Record<string, unknown>> };

function isErrorBody(value: unknown): value is ErrorBody {
  return typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'object' && value.error !== null;
}
