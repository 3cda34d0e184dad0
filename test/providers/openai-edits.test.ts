// Edits of references as OpenAI hears them: a form of buffered files, and everything else as for a generation.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attachments } from '../../src/domain/image.ts';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import type { ProviderReply } from '../../src/providers/provider.ts';
import { type CallChanges, callOf, endpointAt, PROMPT, testClock } from './support/calls.ts';
import { limitsAt } from './support/patience.ts';
import { encodedPicture, imageOf, maskOf, picture } from './support/pictures.ts';
import { event, json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

const ROUTE = 'gpt-image-2-low';
let server: ScriptedServer;
let success: Script;
beforeAll(async () => {
  server = await startScriptedServer();
  success = json(200, {
    data: [{ b64_json: await encodedPicture(1024, 1024, 'png') }],
    usage: { input_tokens: 4650, input_tokens_details: { text_tokens: 50, image_tokens: 4600 }, output_tokens: 196 },
  });
});
afterAll(() => server.close());

async function edit(attachments: Attachments, script: Script = success, changes: CallChanges = {}): Promise<ProviderReply> {
  server.play(script);
  const provider = createOpenAIProvider({ endpoints: [endpointAt(server.url, 'openai')], clock: testClock() });
  const reply = await provider.generate(callOf(ROUTE, { attachments, ...changes }), new AbortController().signal);
  await provider.close();
  return reply;
}

/** Texts as they are, files by name, type and bytes. */
async function sentForm(): Promise<readonly (readonly [string, unknown])[]> {
  const parts = (await server.heard.at(-1)?.form()) ?? [];
  return Promise.all(
    parts.map(async ([name, value]) =>
      typeof value === 'string'
        ? ([name, value] as const)
        : ([name, [value.name, value.type, Buffer.from(await value.arrayBuffer())]] as const),
    ),
  );
}

describe('an OpenAI edit', () => {
  it('of one reference is one form, complete and in order', async () => {
    const reference = await imageOf(640, 480, 'jpeg');
    await edit({ references: [reference], mask: undefined }, success, { endUser: 'u-1', background: 'opaque' });
    const request = server.heard.at(-1);
    expect(request).toMatchObject({ method: 'POST', path: '/v1/images/edits' });
    expect(request?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(Number(request?.headers['content-length'])).toBeGreaterThan(reference.bytes.length);
    expect(await sentForm()).toEqual([
      ['model', 'gpt-image-2'],
      ['prompt', PROMPT],
      ['n', '1'],
      ['size', '1024x1024'],
      ['quality', 'low'],
      ['background', 'opaque'],
      ['output_format', 'png'],
      ['safety_identifier', 'u-1'],
      ['image', ['reference-1.jpeg', 'image/jpeg', reference.bytes]],
    ]);
  });

  it('of several references repeats `image[]` in the caller’s order, with the mask beside them', async () => {
    const references = [await imageOf(640, 480, 'png'), await imageOf(320, 240, 'webp'), await imageOf(64, 64, 'jpeg')];
    const mask = { ...(await imageOf(640, 480, 'png')), bytes: await maskOf(640, 480) };
    await edit({ references, mask }, success, { format: 'webp', compression: 70 });
    const form = await sentForm();
    expect(form.filter(([name]) => name === 'image[]' || name === 'mask').map(([, file]) => file)).toEqual(
      expect.arrayContaining([['mask.png', 'image/png', mask.bytes]]),
    );
    expect(form.filter(([name]) => name === 'image[]').map(([, file]) => file)).toEqual([
      ['reference-1.png', 'image/png', references[0]?.bytes],
      ['reference-2.webp', 'image/webp', references[1]?.bytes],
      ['reference-3.jpeg', 'image/jpeg', references[2]?.bytes],
    ]);
    expect(Object.fromEntries(form)).toMatchObject({ output_format: 'webp', output_compression: '70' });
  });

  it('never says what edits or gpt-image-2 do not know', async () => {
    await edit({ references: [await imageOf(64, 64, 'png')], mask: undefined });
    const names = (await sentForm()).map(([name]) => name);
    for (const unknown of ['input_fidelity', 'moderation', 'response_format', 'stream']) expect(names).not.toContain(unknown);
  });

  it('can be sent twice: its files are buffered, not streams that one attempt uses up', async () => {
    const attachments = { references: [await imageOf(64, 64, 'png')], mask: undefined };
    await edit(attachments, json(503, {}));
    const first = await sentForm();
    await edit(attachments);
    expect(await sentForm()).toEqual(first);
  });

  it('waits longer than 300 s, like every call', async () => {
    const attachments = { references: [await imageOf(64, 64, 'png')], mask: undefined };
    const send = (): unknown => edit(attachments, { kind: 'hang' });
    expect(await limitsAt(Number(new URL(server.url).port), send, server.nextRequest())).toEqual([0]);
  });

  it('is delivered, measured and counted like a generation', async () => {
    const reply = await edit({ references: [await imageOf(64, 64, 'png')], mask: undefined });
    expect(reply).toMatchObject({
      kind: 'delivered',
      images: [{ width: 1024, height: 1024, bytes: await picture(1024, 1024, 'png') }],
      usage: { textInTokens: 50, imageInTokens: 4600, imageOutTokens: 196 },
    });
  });

  it('streams when somebody listens', async () => {
    const b64_json = await encodedPicture(1024, 1024, 'png');
    const heard: number[] = [];
    const events = [
      event({ type: 'image_edit.partial_image', b64_json, partial_image_index: 0 }),
      event({ type: 'image_edit.completed', b64_json, usage: { input_tokens: 5, output_tokens: 296 } }),
    ];
    const reply = await edit(
      { references: [await imageOf(64, 64, 'png')], mask: undefined },
      { kind: 'stream', events, end: 'finish' },
      { onPartial: ({ index }) => heard.push(index) },
    );
    expect(reply).toMatchObject({ kind: 'delivered', usage: { imageOutTokens: 296 } });
    expect(heard).toEqual([0]);
    expect(Object.fromEntries(await sentForm())).toMatchObject({ stream: 'true', partial_images: '2' });
  });

  it.each([
    ['invalid_image_file', 400],
    ['image_too_large', 400],
    ['image_parse_error', 400],
    ['unsupported_image_media_type', 400],
    ['empty_image_file', 400],
    ['invalid_mask_image_format', 400],
    ['invalid_image_file', 500],
  ])('with a picture the provider calls %s (%i) is invalid, free, and not worth another try', async (code, status) => {
    const message = 'Invalid image file or mode for image 1, please check your image file.';
    const reply = await edit(
      { references: [await imageOf(64, 64, 'png')], mask: undefined },
      json(status, { error: { message, type: 'invalid_request_error', param: 'image', code } }),
    );
    expect(reply).toMatchObject({
      kind: 'failed',
      failure: { kind: 'invalid', fault: 'bad-parameter', retry: 'never', evidence: 'ignored', billed: 'no', status, message },
    });
  });

  it('with a picture of forbidden content is refused, not invalid', async () => {
    const reply = await edit(
      { references: [await imageOf(64, 64, 'png')], mask: undefined },
      json(400, { error: { message: 'told', type: 'image_generation_user_error', code: 'image_content_policy_violation' } }),
    );
    expect(reply).toMatchObject({ failure: { kind: 'refused', fault: 'moderation', retry: 'other' } });
  });
});
