// A sandbox for a test: fast world, light pictures, and the two plain calls every test makes.
import { onTestFinished } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';

/** World seconds pass this many times faster; deadlines in tests are far wider than what a busy machine adds. */
export const SPEED = 400;

export async function sandboxForTest(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(SPEED), pictures: 'light', ...options });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

export const LOW = { model: 'gpt-image-2', prompt: 'a cat', quality: 'low', size: '1024x1024' } as const;

export function postOpenai(
  sandbox: Sandbox,
  body: unknown,
  init: { readonly face?: 'openai' | 'agg'; readonly key?: string; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (init.key !== '') headers.authorization = `Bearer ${init.key ?? 'sk-sandbox'}`;
  return fetch(`${sandbox.url}/${init.face ?? 'openai'}/v1/images/generations`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(init.signal ? { signal: init.signal } : {}),
  });
}

export type GoogleInit = {
  readonly face?: 'google' | 'agg';
  readonly key?: string;
  readonly model?: string;
  readonly version?: string;
  readonly headers?: Record<string, string>;
};

export function postGoogle(sandbox: Sandbox, body: unknown, init: GoogleInit = {}): Promise<Response> {
  const { face = 'google', model = 'gemini-3-pro-image', version = 'v1beta', key = 'sk-sandbox' } = init;
  const headers: Record<string, string> = { 'content-type': 'application/json', ...init.headers };
  if (key !== '') headers['x-goog-api-key'] = key;
  return fetch(`${sandbox.url}/${face}/${version}/models/${model}:generateContent`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
}

export function contents(text: string, imageConfig: Record<string, string> = {}): unknown {
  return { contents: [{ parts: [{ text }], role: 'user' }], generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig } };
}

/** Any JSON object, for assertions by matching. */
export async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

export type OpenaiImages = { readonly data: readonly { readonly b64_json: string }[]; readonly usage: Record<string, unknown> };

export async function imagesOf(response: Response): Promise<readonly Buffer[]> {
  const body = (await response.json()) as OpenaiImages;
  return body.data.map((image) => Buffer.from(image.b64_json, 'base64'));
}

export type GoogleBody = {
  readonly candidates?: readonly {
    readonly content?: {
      readonly parts?: readonly {
        readonly text?: string;
        readonly thought?: boolean;
        readonly inlineData?: { readonly mimeType: string; readonly data: string };
      }[];
    };
    readonly finishReason?: string;
    readonly finishMessage?: string;
  }[];
  readonly promptFeedback?: { readonly blockReason: string };
  readonly usageMetadata?: { readonly candidatesTokenCount: number; readonly thoughtsTokenCount: number };
};

export async function googleBodyOf(response: Response): Promise<GoogleBody> {
  return (await response.json()) as GoogleBody;
}
