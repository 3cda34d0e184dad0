// A provider that only counts: any request that reaches it is one too many.
import { createServer } from 'node:http';

export type CountingServer = { readonly url: string; requests(): number; close(): Promise<void> };

export async function startCountingServer(): Promise<CountingServer> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
