import { Agent, request } from 'node:http';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { FAULT_IDS, FAULTS, type FaultId, type FaultRule, parseFaultScript, type Sandbox } from '../../src/sandbox/index.ts';
import { contents, googleBodyOf, imagesOf, jsonOf, LOW, postGoogle, postOpenai, SPEED, sandboxForTest } from './support.ts';

/** What a plain client sees of a fault: a status and words in the body, or the way the call broke. */
type Sight = { readonly status: number; readonly text: string; readonly headers: Headers } | { readonly broken: string };

async function see(response: Promise<Response>): Promise<Sight> {
  try {
    const { status, headers, ...rest } = await response.then(async (answer) => ({
      status: answer.status,
      headers: answer.headers,
      text: await answer.text(),
    }));
    return { status, headers, ...rest };
  } catch (error) {
    return { broken: error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error) };
  }
}

const openai = (sandbox: Sandbox): Promise<Sight> => see(postOpenai(sandbox, LOW));
const google = (sandbox: Sandbox): Promise<Sight> => see(postGoogle(sandbox, contents('a cat')));

/** A call over one kept connection: its status, or the code of what broke it. */
function viaAgent(sandbox: Sandbox, agent: Agent): Promise<number | string | undefined> {
  const headers = { authorization: 'Bearer sk-sandbox', 'content-type': 'application/json' };
  return new Promise((resolve) => {
    const call = request(`${sandbox.url}/openai/v1/images/generations`, { method: 'POST', agent, headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    call.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    call.end(JSON.stringify(LOW));
  });
}

describe('each fault on the openai face has its wire effect', () => {
  const table: readonly (readonly [FaultRule, number, RegExp])[] = [
    [{ fault: 'outage' }, 503, /currently overloaded/],
    [{ fault: 'err500' }, 500, /"server_error"/],
    [{ fault: 'html5xx' }, 502, /^<html>[\s\S]*502 Bad Gateway/],
    [{ fault: 'html5xx', status: 524 }, 524, /error code: 524/],
    [{ fault: 'idle-cut', afterMs: 500 }, 524, /error code: 524/],
    [{ fault: 'rate429' }, 429, /rate_limit_exceeded/],
    [{ fault: 'quota429' }, 429, /insufficient_quota/],
    [{ fault: 'auth401' }, 401, /invalid_api_key/],
    [{ fault: 'acct403' }, 403, /temporarily blocked/],
    [{ fault: 'org403' }, 403, /must be verified to use the model `gpt-image-2`/],
    [{ fault: 'billing400' }, 400, /billing_hard_limit_reached/],
    [{ fault: 'model404' }, 404, /model_not_found/],
    [{ fault: 'moderation-input' }, 400, /moderation_blocked/],
    [{ fault: 'moderation-output' }, 400, /moderation_blocked/],
    [{ fault: 'no-image' }, 200, /"data":\[\]/],
    [{ fault: 'no-image', form: 'emptyObject' }, 200, /^\{\}$/],
    [{ fault: 'html200' }, 200, /^<!DOCTYPE html>/],
    [{ fault: 'err200' }, 200, /"error":\{/],
    [{ fault: 'bad-base64' }, 200, /not base64/],
    [{ fault: 'zero-bytes' }, 200, /"b64_json":""/],
    [{ fault: 'dressed-refusal' }, 500, /"message":"Your request was rejected by the safety system[\s\S]*"server_error"/],
    [{ fault: 'dressed-refusal', status: 429 }, 429, /rejected by the safety system/],
  ];

  it.each(table)('%j', async (rule, status, words) => {
    const sandbox = await sandboxForTest();
    sandbox.inject(rule);
    const sight = await openai(sandbox);
    expect(sight).toMatchObject({ status });
    expect('text' in sight && sight.text).toMatch(words);
    expect(sandbox.stats().faults).toEqual({ [rule.fault]: 1 });
  });

  it('reset: the socket ends before any header', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'reset' });
    expect(await openai(sandbox)).toMatchObject({ broken: expect.stringMatching(/ECONNRESET|socket/i) });
    expect(sandbox.ledger()).toEqual([]);
  });

  it('reset-mid-body: headers arrive, the body does not, and it is billed', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'reset-mid-body', fraction: 0.3 });
    const response = await postOpenai(sandbox, LOW);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(sandbox.ledger()).toMatchObject([{ outcome: 'lost', orphaned: false, billed: 5890, clientGoneAtMs: undefined }]);
  });

  it('truncated-json: a complete body that is not JSON', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'truncated-json' });
    await expect((await postOpenai(sandbox, LOW)).json()).rejects.toThrow(SyntaxError);
  });

  it('wrong-magic, wrong-size, fewer-images: a success that is none', async () => {
    const sandbox = await sandboxForTest();
    const plain = await jsonOf(await postOpenai(sandbox, LOW));
    for (const fault of ['wrong-magic', 'wrong-size'] as const) {
      const mend = sandbox.inject({ fault });
      expect(await jsonOf(await postOpenai(sandbox, LOW))).not.toEqual(plain);
      mend();
    }
    sandbox.inject({ fault: 'fewer-images' });
    expect(await jsonOf(await postOpenai(sandbox, { ...LOW, n: 2 }))).toMatchObject({ data: [{}] });
  });

  it('half-picture, wrong-format, huge-image: the header is right and the picture is not', async () => {
    for (const output_format of ['png', 'jpeg', 'webp'] as const) {
      const sandbox = await sandboxForTest();
      const imageWith = async (fault: FaultId): Promise<Buffer> => {
        const mend = sandbox.inject({ fault });
        const [image] = await imagesOf(await postOpenai(sandbox, { ...LOW, output_format }));
        mend();
        return image ?? Buffer.alloc(0);
      };
      const half = await imageWith('half-picture');
      await expect(sharp(half, { failOn: 'truncated' }).toBuffer()).rejects.toThrow();
      expect((await sharp(await imageWith('wrong-format')).metadata()).format).toBe(output_format === 'png' ? 'jpeg' : 'png');
      const huge = await sharp(await imageWith('huge-image'), { limitInputPixels: false }).metadata();
      expect([huge.width, huge.height]).toEqual([40_000, 40_000]);
    }
  });

  it('stalled-body: half of the body, then a drip', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'stalled-body', bytesPerSecond: 0.001 });
    const leave = new AbortController();
    const response = await postOpenai(sandbox, LOW, { signal: leave.signal });
    const length = Number(response.headers.get('content-length'));
    const reader = response.body?.getReader();
    let received = 0;
    while (received < Math.floor(length / 2)) received += (await reader?.read())?.value?.length ?? length;
    expect(received).toBeLessThan(length / 2 + 100);
    expect(sandbox.ledger()[0]?.billed).toBeGreaterThan(0);
    leave.abort();
  });

  it('refused: the connection is reset, nothing is billed, and the next one is welcome', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'refused', face: 'openai', count: 1 });
    expect(await openai(sandbox)).toMatchObject({ broken: expect.stringMatching(/ECONNRESET|socket/i) });
    expect(await openai(sandbox)).toMatchObject({ status: 200 });
    expect(sandbox.ledger()).toHaveLength(1);
  });

  it('stale-keep-alive: the first request of a connection is served, the second is cut', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'stale-keep-alive' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await viaAgent(sandbox, agent)).toBe(200);
    expect(await viaAgent(sandbox, agent)).toBe('ECONNRESET');
    expect(await viaAgent(sandbox, agent)).toBe(200);
    agent.destroy();
  });

  it('slow: the latency is multiplied', async () => {
    const times = async (factor: number): Promise<number> => {
      const sandbox = await sandboxForTest();
      if (factor !== 1) sandbox.inject({ fault: 'slow', factor });
      await postOpenai(sandbox, LOW);
      return sandbox.ledger()[0]?.generationMs ?? 0;
    };
    expect(await times(5)).toBeCloseTo(5 * (await times(1)), 6);
  });

  it('slow-body: headers first, then bytes at the rate', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'slow-body', bytesPerSecond: 20_000 });
    const response = await postOpenai(sandbox, LOW);
    const headersAtMs = sandbox.nowMs();
    const bytes = (await response.arrayBuffer()).byteLength;
    expect(sandbox.nowMs() - headersAtMs).toBeGreaterThan((bytes / 20_000) * 1_000 * 0.5);
  });

  it('hang: nothing is ever said; the work is billed only when the rule says so', async () => {
    for (const billed of [false, true]) {
      const sandbox = await sandboxForTest();
      sandbox.inject({ fault: 'hang', billed });
      await expect(postOpenai(sandbox, LOW, { signal: AbortSignal.timeout(20_000 / SPEED) })).rejects.toThrow();
      await expect.poll(() => sandbox.stats().generating, { interval: 5 }).toBe(0);
      expect(sandbox.ledger().map((row) => [row.outcome, row.billed])).toEqual(billed ? [['lost', 5890]] : []);
    }
  });

  it.each([
    ['seconds', '9', '9000'],
    ['none', null, null],
  ] as const)('rate429 puts the wish to wait as %s', async (retryAfterAs, seconds, milliseconds) => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'rate429', retryAfterSeconds: 9, retryAfterAs });
    const { headers } = await postOpenai(sandbox, LOW);
    expect([headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual([seconds, milliseconds]);
  });

  it('rate429 as an HTTP date counts from the world clock', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'rate429', retryAfterSeconds: 36_000, retryAfterAs: 'date' });
    const { headers } = await postOpenai(sandbox, LOW);
    const waitMs = Date.parse(headers.get('retry-after') ?? '') - Date.parse(headers.get('date') ?? '');
    expect(waitMs).toBeGreaterThan(30_000_000);
    expect(waitMs).toBeLessThanOrEqual(36_001_000);
  });
});

describe('each fault on the google face has its wire effect', () => {
  const table: readonly (readonly [FaultRule, number, RegExp])[] = [
    [{ fault: 'outage' }, 503, /"UNAVAILABLE"/],
    [{ fault: 'outage', status: 504 }, 504, /DEADLINE_EXCEEDED/],
    [{ fault: 'capacity' }, 503, /MODEL_CAPACITY_EXHAUSTED/],
    [{ fault: 'capacity', status: 429 }, 429, /MODEL_CAPACITY_EXHAUSTED/],
    [{ fault: 'err500' }, 500, /"INTERNAL"/],
    [{ fault: 'html5xx' }, 502, /502 Bad Gateway/],
    [{ fault: 'rate429' }, 429, /PerMinute[\s\S]*"retryDelay":"12s"/],
    [{ fault: 'rate429', retryAfterAs: 'none' }, 429, /Resource has been exhausted/],
    [{ fault: 'quota429' }, 429, /GenerateRequestsPerDayPerProjectPerModel/],
    [{ fault: 'auth401' }, 400, /API_KEY_INVALID/],
    [{ fault: 'acct403' }, 403, /PERMISSION_DENIED/],
    [{ fault: 'billing400' }, 400, /FAILED_PRECONDITION/],
    [{ fault: 'model404' }, 404, /NOT_FOUND/],
    [{ fault: 'moderation-input' }, 200, /"blockReason":"PROHIBITED_CONTENT"/],
    [{ fault: 'moderation-output' }, 200, /"finishReason":"IMAGE_SAFETY"/],
    [{ fault: 'no-image' }, 200, /"finishReason":"NO_IMAGE"[\s\S]*You will not be charged/],
    [{ fault: 'no-image', form: 'PROHIBITED_CONTENT' }, 200, /"finishReason":"PROHIBITED_CONTENT"/],
    [{ fault: 'no-image', form: 'textOnly' }, 200, /"text":"Here is a description/],
    [{ fault: 'no-image', form: 'thoughtOnly' }, 200, /"thought":true/],
    [{ fault: 'no-image', form: 'noCandidates' }, 200, /^\{"usageMetadata"/],
    [{ fault: 'err200' }, 200, /"error":\{/],
    [{ fault: 'html200' }, 200, /^<!DOCTYPE html>/],
    [{ fault: 'data-uri-text' }, 200, /"text":"data:image\/jpeg;base64,/],
    [{ fault: 'dressed-refusal' }, 500, /blocked by the safety filters[\s\S]*"INTERNAL"/],
    [{ fault: 'continuation' }, 200, /"finishReason":"CONTINUATION","continuationToken":"/],
  ];

  it.each(table)('%j', async (rule, status, words) => {
    const sandbox = await sandboxForTest();
    sandbox.inject(rule);
    const sight = await google(sandbox);
    expect(sight).toMatchObject({ status });
    expect('text' in sight && sight.text).toMatch(words);
  });

  it('thought-image: a draft before the final picture', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'thought-image' });
    const parts = (await googleBodyOf(await postGoogle(sandbox, contents('a cat')))).candidates?.[0]?.content?.parts ?? [];
    expect(parts.map((part) => part.thought ?? false)).toEqual([true, false]);
    expect(parts.every((part) => part.inlineData !== undefined)).toBe(true);
  });
});

describe('a fault rule', () => {
  it('meets only the face, model and quality it names', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'outage', face: 'openai', quality: 'high' });
    expect(await openai(sandbox)).toMatchObject({ status: 200 });
    expect(await google(sandbox)).toMatchObject({ status: 200 });
    expect(await see(postOpenai(sandbox, { ...LOW, quality: 'high' }))).toMatchObject({ status: 503 });
  });

  it('is spent after its count, and gone when mended or cleared', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'outage', count: 1 });
    expect([await openai(sandbox), await openai(sandbox)]).toMatchObject([{ status: 503 }, { status: 200 }]);
    sandbox.inject({ fault: 'outage' })();
    expect(await openai(sandbox)).toMatchObject({ status: 200 });
    sandbox.inject({ fault: 'outage' });
    sandbox.clearFaults();
    expect(await openai(sandbox)).toMatchObject({ status: 200 });
  });

  it('meets its share of the calls, the same ones in every run with the same seed', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const sandbox = await sandboxForTest({ seed });
      sandbox.inject({ fault: 'auth401', probability: 0.4 });
      const sights = await Promise.all(
        Array.from({ length: 40 }, (_, index) => see(postOpenai(sandbox, { ...LOW, prompt: `cat ${index}` }))),
      );
      return sights.map((sight) => ('status' in sight ? String(sight.status) : 'broken'));
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
    const share = first.filter((status) => status === '401').length / first.length;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.7);
  });

  it('outside its window does nothing', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'outage', fromMs: 86_400_000 });
    sandbox.inject({ fault: 'outage', untilMs: 0.001 });
    expect(await openai(sandbox)).toMatchObject({ status: 200 });
  });

  it('that flaps rests and strikes by turns', async () => {
    const hour = 3_600_000;
    const resting = await sandboxForTest();
    resting.inject({ fault: 'outage', upMs: 24 * hour, downMs: hour });
    expect(await openai(resting)).toMatchObject({ status: 200 });
    const striking = await sandboxForTest();
    striking.inject({ fault: 'outage', upMs: 0.001, downMs: 24 * hour });
    expect(await openai(striking)).toMatchObject({ status: 503 });
  });

  it('per prompt is sticky: repeats share the fate of the first', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'auth401', probability: 0.5, perPrompt: true });
    const statuses = async (prompt: string): Promise<readonly number[]> =>
      Promise.all([1, 2, 3].map(async () => (await postOpenai(sandbox, { ...LOW, prompt })).status));
    const all = await Promise.all(Array.from({ length: 12 }, (_, index) => statuses(`cat ${index}`)));
    for (const same of all) expect(new Set(same).size).toBe(1);
    expect(new Set(all.map(([first]) => first)).size).toBe(2);
  });

  it.each([
    [{ fault: 'outage', upMs: 5 }, /downMs: must be given too/],
    [{ fault: 'outage', perPrompt: true }, /perPrompt: needs a probability/],
    [{ fault: 'continuation', face: 'openai' }, /does not exist on openai/],
    [{ fault: 'earthquake' }, /unknown fault "earthquake"; known are outage/],
    [{ fault: 'outage', probabilty: 0.5 }, /probabilty/],
    [{ fault: 'hang', retryAfterSeconds: 3 }, /retryAfterSeconds: does not apply to fault "hang", which takes billed/],
    [{ fault: 'thought-image', face: 'openai' }, /does not exist on openai/],
    [{ fault: 'no-image', face: 'openai', form: 'NO_IMAGE' }, /does not exist on openai/],
    [{ fault: 'outage', fromMs: 5, untilMs: 5 }, /untilMs: must be after fromMs 5/],
    [{ fault: 'outage', probability: 0 }, /must be in \(0, 1\]/],
  ])('that makes no sense is refused by name: %j', (rule, words) => {
    expect(() => parseFaultScript({ rules: [rule] })).toThrow(words);
    expect(() => parseFaultScript({ rules: [rule] })).toThrow(/^script\.rules\.0/);
  });

  it('of a script is in force from the start', async () => {
    const sandbox = await sandboxForTest({ script: parseFaultScript({ rules: [{ fault: 'org403' }] }) });
    expect(await openai(sandbox)).toMatchObject({ status: 403 });
    sandbox.clearFaults();
    sandbox.reset();
    expect(await openai(sandbox)).toMatchObject({ status: 403 });
  });

  it('exists for every fault in at least one protocol, with a summary', () => {
    for (const id of FAULT_IDS) {
      const entry = FAULTS[id];
      expect(entry.openai ?? entry.google).toBeTypeOf('function');
      expect(entry.summary).not.toBe('');
    }
  });
});
