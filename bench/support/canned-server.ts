// A provider that answers at once with bytes made beforehand, as its own process: what is then measured is the client.
// The sandbox would do it too, but it draws, counts and bills on the same two cores; this server does next to nothing for
// anybody, so no contender profits from it. It speaks both protocols, and can be told to keep silent before it answers.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannedPicture, PICTURES, type PictureName } from './pictures.ts';

export type CannedServer = {
  /** `http://127.0.0.1:PORT`; append `/tiny` or `/full`, then the provider's own path. */
  readonly url: string;
  close(): Promise<void>;
};

type Answers = { readonly openai: Buffer; readonly google: Buffer; readonly events: Buffer };

/** Starts it in this process. `silenceMs`: how long nothing comes, not even headers; of a stream, everything after them. */
export async function startCannedServer(silenceMs: number): Promise<CannedServer> {
  const answers = new Map<string, Answers>();
  for (const name of PICTURES) answers.set(name, await answersWith(name));
  const server = createServer((request, response) => {
    void answer(request, response, answers, silenceMs);
  });
  // Nothing is closed between rounds: a connection opened anew would be charged to whoever comes next.
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  answers: ReadonlyMap<string, Answers>,
  silenceMs: number,
): Promise<void> {
  const path = request.url ?? '';
  const canned = answers.get(path.split('/')[1] ?? '');
  const body = await bodyOf(request);
  if (canned === undefined) {
    response.writeHead(404).end();
    return;
  }
  const isStream = body.includes('"stream":true');
  if (isStream) response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  if (silenceMs > 0) await sleep(silenceMs);
  if (isStream) {
    response.end(canned.events);
    return;
  }
  const bytes = path.includes(':generateContent') ? canned.google : canned.openai;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length, 'x-request-id': 'req_canned' });
  response.end(bytes);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

async function answersWith(name: PictureName): Promise<Answers> {
  const b64 = (await cannedPicture(name)).toString('base64');
  const usage = { input_tokens: 10, output_tokens: 196, total_tokens: 206, input_tokens_details: { text_tokens: 10, image_tokens: 0 } };
  const completed = { type: 'image_generation.completed', b64_json: b64, usage };
  return {
    openai: Buffer.from(JSON.stringify({ created: 1, output_format: 'png', size: '1024x1024', data: [{ b64_json: b64 }], usage })),
    google: Buffer.from(
      JSON.stringify({
        candidates: [{ content: { role: 'model', parts: [{ inlineData: { mimeType: 'image/png', data: b64 } }] }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1_120, totalTokenCount: 1_130 },
      }),
    ),
    events: Buffer.from(`event: ${completed.type}\ndata: ${JSON.stringify(completed)}\n\n`),
  };
}
