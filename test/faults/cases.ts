// The fault matrix: every fault class the sandbox can play, on each provider that can have it. On OpenAI the fault lasts,
// so that a fallback must save the request; on Google the caller insists on the route, so that the error must be the true
// one; and what can pass by itself strikes once, so that a retry must do.
import type { Fault } from '../../src/domain/failure.ts';
import type { FaultRule } from '../../src/sandbox/index.ts';
import type { FaultCase } from './play.ts';

const PROMPT = 'a lighthouse on a cliff at dusk';
const FALLBACK = 'nano-banana-pro';
const FIRST = 'gpt-image-2-medium';
const standard = { prompt: PROMPT, latencyBudgetMs: 120_000 };
const onGoogle = { prompt: PROMPT, route: FALLBACK, latencyBudgetMs: 60_000 } as never;

type Rule = Omit<FaultRule, 'face'>;

/** A fault that lasts on OpenAI: recognised as `fault`, and the request ends as `ends`. */
function openai(name: string, rule: Rule, fault: Fault | undefined, ends: FaultCase['ends'] = FALLBACK): FaultCase {
  return { name: `OpenAI: ${name}`, rules: [{ ...rule, face: 'openai' }], request: standard, fault, ends };
}

/** The same on Google, from which there is no way out. */
function google(name: string, rule: Rule, fault: Fault | undefined, ends: FaultCase['ends']): FaultCase {
  return { name: `Google: ${name}`, rules: [{ ...rule, face: 'google' }], request: onGoogle, fault, ends };
}

/** A fault that strikes the first call only. */
function once(name: string, rule: Rule, fault: Fault): FaultCase {
  return {
    name: `OpenAI, once: ${name}`,
    rules: [{ ...rule, face: 'openai', count: 1 }],
    request: { ...standard, quality: 'medium' },
    fault,
    ends: FIRST,
  };
}

function streamed(name: string, rule: Rule, fault: Fault): FaultCase {
  return { ...openai(`stream, ${name}`, rule, fault), isStreamed: true };
}

export const FAULT_CASES: readonly FaultCase[] = [
  openai('outage', { fault: 'outage' }, 'overloaded'),
  openai('500 at once', { fault: 'err500' }, 'server-error'),
  openai('502 page of a gateway', { fault: 'html5xx', status: 502 }, 'gateway-error'),
  openai('524 page of a CDN', { fault: 'html5xx', status: 524 }, 'timeout'),
  openai('every socket cut at the door', { fault: 'refused' }, 'connection-lost'),
  openai('reset before an answer', { fault: 'reset' }, 'connection-lost'),
  openai('reset within the answer', { fault: 'reset-mid-body' }, 'connection-lost'),
  openai('silent hang', { fault: 'hang' }, undefined),
  openai('idle connections cut at 12 s', { fault: 'idle-cut', afterMs: 12_000 }, 'timeout'),
  // A hedge and the slow call race each other.
  openai('everything three times slower', { fault: 'slow', factor: 3 }, undefined, [FALLBACK, FIRST]),
  openai('answer stalls half-way', { fault: 'stalled-body' }, undefined),
  openai('rate limit for an hour', { fault: 'rate429', retryAfterSeconds: 3_600 }, 'rate-limited'),
  openai('rate limit without a delay', { fault: 'rate429', retryAfterAs: 'none' }, 'rate-limited'),
  openai('quota used up', { fault: 'quota429' }, 'quota'),
  openai('401 on a valid key', { fault: 'auth401' }, 'bad-key'),
  openai('account blocked', { fault: 'acct403' }, 'access-denied'),
  openai('organisation not verified', { fault: 'org403' }, 'access-denied'),
  openai('billing limit as a 400', { fault: 'billing400' }, 'billing'),
  openai('model does not exist', { fault: 'model404' }, 'model-missing'),
  openai('prompt refused', { fault: 'moderation-input' }, 'moderation', 'refused'),
  openai('picture refused', { fault: 'moderation-output' }, 'moderation', 'refused'),
  openai('refusal dressed as a 500', { fault: 'dressed-refusal', status: 500 }, 'moderation', 'refused'),
  openai('refusal dressed as a 429', { fault: 'dressed-refusal', status: 429 }, 'moderation', 'refused'),
  openai('200 with empty data', { fault: 'no-image', form: 'emptyData' }, 'no-image'),
  openai('200 with an empty object', { fault: 'no-image', form: 'emptyObject' }, 'no-image'),
  openai('200 with a web page', { fault: 'html200' }, 'unreadable'),
  openai('200 with an error', { fault: 'err200' }, 'gateway-error'),
  openai('truncated JSON', { fault: 'truncated-json' }, 'unreadable'),
  openai('not base64', { fault: 'bad-base64' }, 'unreadable'),
  openai('empty image', { fault: 'zero-bytes' }, 'no-image'),
  openai('half a picture', { fault: 'half-picture' }, 'unreadable'),
  openai('not an image', { fault: 'wrong-magic' }, 'unreadable'),
  openai('40000 x 40000 claimed', { fault: 'huge-image' }, 'unreadable'),
  openai('other pixels than asked', { fault: 'wrong-size' }, 'wrong-geometry'),
  openai('another format than it says', { fault: 'wrong-format' }, undefined, FIRST),
  streamed('error event', { fault: 'sse-error' }, 'server-error'),
  streamed('cut short', { fault: 'sse-truncated' }, 'unreadable'),
  streamed('ends without its completed event', { fault: 'sse-no-completed' }, 'connection-lost'),
  { ...openai('stream, silent after its headers', { fault: 'sse-hang' }, undefined), isStreamed: true },

  once('outage', { fault: 'outage' }, 'overloaded'),
  once('500', { fault: 'err500' }, 'server-error'),
  once('rate limit, 3 s', { fault: 'rate429', retryAfterSeconds: 3 }, 'rate-limited'),
  once('rate limit, as a date', { fault: 'rate429', retryAfterSeconds: 3, retryAfterAs: 'date' }, 'rate-limited'),
  {
    name: 'OpenAI: one image fewer than asked',
    rules: [{ fault: 'fewer-images', face: 'openai', count: 1 }],
    request: { ...standard, n: 3, consistent: true, quality: 'low' },
    fault: undefined,
    ends: 'gpt-image-2-low',
  },

  google('overloaded', { fault: 'outage' }, 'overloaded', 'providers_failed'),
  google('no capacity, as 503', { fault: 'capacity', status: 503 }, 'overloaded', 'providers_failed'),
  google('no capacity, as 429', { fault: 'capacity', status: 429 }, 'overloaded', 'providers_failed'),
  google('500', { fault: 'err500' }, 'server-error', 'providers_failed'),
  google('502 page of a gateway', { fault: 'html5xx', status: 502 }, 'gateway-error', 'providers_failed'),
  google('reset before an answer', { fault: 'reset' }, 'connection-lost', 'providers_failed'),
  google('reset within the answer', { fault: 'reset-mid-body' }, 'connection-lost', 'providers_failed'),
  // The second call's own timeout and the deadline fall close together.
  google('silent hang', { fault: 'hang' }, undefined, ['providers_failed', 'deadline_exceeded']),
  google('rate limit for an hour', { fault: 'rate429', retryAfterSeconds: 3_600 }, 'rate-limited', 'providers_failed'),
  google('quota of the day used up', { fault: 'quota429' }, 'quota', 'account'),
  google('bad key, as a 400', { fault: 'auth401' }, 'bad-key', 'account'),
  google('account blocked', { fault: 'acct403' }, 'access-denied', 'account'),
  google('location not supported, as a 400', { fault: 'billing400' }, 'access-denied', 'account'),
  google('model retired', { fault: 'model404' }, 'model-missing', 'account'),
  google('prompt blocked', { fault: 'moderation-input' }, 'moderation', 'refused'),
  google('IMAGE_SAFETY', { fault: 'moderation-output' }, 'moderation', 'refused'),
  google('refusal dressed as a 500', { fault: 'dressed-refusal', status: 500 }, 'moderation', 'refused'),
  google('NO_IMAGE', { fault: 'no-image', form: 'NO_IMAGE' }, 'no-image', 'providers_failed'),
  google('IMAGE_OTHER', { fault: 'no-image', form: 'IMAGE_OTHER' }, 'no-image', 'providers_failed'),
  google('text only', { fault: 'no-image', form: 'textOnly' }, 'no-image', 'providers_failed'),
  google('thoughts only', { fault: 'no-image', form: 'thoughtOnly' }, 'no-image', 'providers_failed'),
  google('no candidates', { fault: 'no-image', form: 'noCandidates' }, 'no-image', 'providers_failed'),
  google('MAX_TOKENS', { fault: 'no-image', form: 'MAX_TOKENS' }, 'no-image', 'providers_failed'),
  google('IMAGE_PROHIBITED_CONTENT', { fault: 'no-image', form: 'IMAGE_PROHIBITED_CONTENT' }, 'moderation', 'refused'),
  google('CONTINUATION, a second bill unasked', { fault: 'continuation' }, 'no-image', 'providers_failed'),
  google('200 with a web page', { fault: 'html200' }, 'unreadable', 'providers_failed'),
  google('truncated JSON', { fault: 'truncated-json' }, 'unreadable', 'providers_failed'),
  google('not base64', { fault: 'bad-base64' }, 'unreadable', 'providers_failed'),
  google('half a picture', { fault: 'half-picture' }, 'unreadable', 'providers_failed'),
  google('another picture size', { fault: 'wrong-size' }, 'wrong-geometry', 'providers_failed'),
  google('a thought image before the picture', { fault: 'thought-image' }, undefined, FALLBACK),
  google('the picture as a data URI in text', { fault: 'data-uri-text' }, undefined, FALLBACK),

  {
    name: 'both: outage',
    rules: [{ fault: 'outage' }],
    request: standard,
    fault: 'overloaded',
    ends: 'providers_failed',
  },
];
