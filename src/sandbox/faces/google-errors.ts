// Gemini's error answers (field reports). They differ from OpenAI's where it hurts: a bad key is a 400, a rate limit says
// when to come back in the body only, and a refusal is a 200 (see faces/google.ts).
import { type Answer, htmlAnswer, jsonAnswer } from '../call.ts';

type Status =
  | 'INVALID_ARGUMENT'
  | 'FAILED_PRECONDITION'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'RESOURCE_EXHAUSTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED';

function failure(code: number, status: Status, message: string, details?: readonly unknown[]): Answer {
  return jsonAnswer(code, { error: { code, message, status, ...(details ? { details } : {}) } });
}

export function invalidArgument(message: string, field?: string): Answer {
  const details =
    field === undefined
      ? undefined
      : [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description: message }] }];
  return failure(400, 'INVALID_ARGUMENT', message, details);
}

export function missingKey(): Answer {
  return failure(
    403,
    'PERMISSION_DENIED',
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
  );
}

export function badKey(): Answer {
  const message = 'API key not valid. Please pass a valid API key.';
  return failure(400, 'INVALID_ARGUMENT', message, [
    errorInfo('API_KEY_INVALID', { service: 'generativelanguage.googleapis.com' }),
    { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message },
  ]);
}

function errorInfo(reason: string, metadata: Readonly<Record<string, string>>): unknown {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com', metadata };
}

export function accountBlocked(): Answer {
  return failure(403, 'PERMISSION_DENIED', 'Permission denied: Consumer has been suspended.', [
    errorInfo('CONSUMER_SUSPENDED', { service: 'generativelanguage.googleapis.com' }),
  ]);
}

export function locationUnsupported(): Answer {
  return failure(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.');
}

export function modelMissing(model: string, version: string): Answer {
  return failure(
    404,
    'NOT_FOUND',
    `models/${model} is not found for API version ${version}, or is not supported for generateContent. Call ModelService.ListModels to see the list of available models and their supported methods.`,
  );
}

export type Quota = {
  readonly model: string;
  readonly per: 'Minute' | 'Day';
  readonly limit: number;
  readonly retrySeconds: number | undefined;
};

/** Both rate and daily quota: only `quotaId` tells them apart. */
export function exhausted(quota: Quota): Answer {
  const retry =
    quota.retrySeconds === undefined
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(quota.retrySeconds)}s` }];
  return failure(
    429,
    'RESOURCE_EXHAUSTED',
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.',
    [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [
          {
            quotaMetric: 'generativelanguage.googleapis.com/generate_requests_per_model',
            quotaId: `GenerateRequestsPer${quota.per}PerProjectPerModel`,
            quotaDimensions: { location: 'global', model: quota.model },
            quotaValue: String(quota.limit),
          },
        ],
      },
      {
        '@type': 'type.googleapis.com/google.rpc.Help',
        links: [{ description: 'Learn more about Gemini API quotas', url: 'https://ai.google.dev/gemini-api/docs/rate-limits' }],
      },
      ...retry,
    ],
  );
}

/** A 429 that says nothing more. */
export function exhaustedBare(): Answer {
  return failure(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).');
}

export function noCapacity(status: number, model: string): Answer {
  return failure(status, status === 429 ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE', `No capacity available for model ${model} on the server`, [
    errorInfo('MODEL_CAPACITY_EXHAUSTED', { model }),
  ]);
}

export function overloaded(status: number): Answer {
  if (status === 504) return deadlineExceeded();
  if (status === 500) return internal();
  return failure(status, 'UNAVAILABLE', 'The model is overloaded. Please try again later.');
}

export function internal(): Answer {
  return failure(
    500,
    'INTERNAL',
    'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  );
}

/** A refusal as a relay passes it on: status says fault, the words say refusal. */
export function dressedRefusal(status: number): Answer {
  const message = 'The image could not be generated because the prompt was blocked by the safety filters (PROHIBITED_CONTENT).';
  return failure(status, status === 429 ? 'RESOURCE_EXHAUSTED' : 'INTERNAL', message);
}

export function deadlineExceeded(): Answer {
  return failure(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.');
}

/** Google's front end answers paths it does not know with a page. */
export function unknownPage(path: string): Answer {
  const shown = path.replaceAll(/[^\w/.:-]/g, '');
  return htmlAnswer(
    404,
    `<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p>The requested URL <code>${shown}</code> was not found on this server.</p>\n`,
  );
}
