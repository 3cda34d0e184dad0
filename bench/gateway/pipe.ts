// The least a proxy can do: pass requests on and pipe the answers back, with node:http and nothing else. What is faster
// than this is not a gateway. Takes the upstream's URL as its argument and tells its own to the process that started it.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const upstream = new URL(process.argv[2] ?? '');
const agent = new Agent({ keepAlive: true });
const server = createServer((incoming, outgoing) => {
  const options = { agent, host: upstream.hostname, port: upstream.port, method: incoming.method, headers: incoming.headers };
  const call = request({ ...options, path: `${upstream.pathname.replace(/\/$/, '')}${incoming.url ?? ''}` }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  call.on('error', () => outgoing.destroy());
  incoming.pipe(call);
});
server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
process.on('disconnect', () => process.exit());
