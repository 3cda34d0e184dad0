// Connections to hosts that a caller named, with a resolver and a dialler of the test's own: nothing leaves the machine.
import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Dial, guardedConnector, machineDoors, type Target } from '../../../src/system/network/guarded-connector.ts';

type Asked = { readonly names: string[]; readonly targets: Target[] };
const never = new AbortController().signal;

async function connectTo(
  hostname: string,
  addresses: readonly string[],
  { protocol = 'https:', port = '', dial = undefined as Dial | undefined, signal = never } = {},
): Promise<{ outcome: Socket | Error } & Asked> {
  const names: string[] = [];
  const targets: Target[] = [];
  const connector = guardedConnector(
    {
      resolve: async (name) => {
        names.push(name);
        return addresses;
      },
      dial: (target, aborts) => {
        targets.push(target);
        return dial === undefined ? Promise.resolve(new Socket()) : dial(target, aborts);
      },
    },
    signal,
  );
  const outcome = await new Promise<Socket | Error>((resolve) => {
    connector({ hostname, protocol, port }, (error, socket) => resolve(error ?? socket));
  });
  return { outcome, names, targets };
}

describe('the guarded connector', () => {
  it('resolves once and dials exactly the address it checked, under the name of the host', async () => {
    const { outcome, names, targets } = await connectTo('pictures.example', ['8.8.8.8'], { port: '8443' });
    expect(outcome).toBeInstanceOf(Socket);
    expect(names).toEqual(['pictures.example']);
    expect(targets).toEqual([{ address: '8.8.8.8', port: 8443, servername: 'pictures.example' }]);
  });

  it('never dials a host of which one address is not public', async () => {
    const { outcome, targets } = await connectTo('pictures.example', ['8.8.8.8', '169.254.169.254']);
    expect(outcome).toMatchObject({ name: 'AddressRefused' });
    expect(targets).toEqual([]);
  });

  it.each(['127.0.0.1', '[::1]', '[::ffff:a9fe:a9fe]', '[64:ff9b::7f00:1]', '10.0.0.1', '0.0.0.0'])(
    'never dials %s, and asks no resolver about it',
    async (hostname) => {
      const { outcome, names, targets } = await connectTo(hostname, ['8.8.8.8']);
      expect(outcome).toMatchObject({ name: 'AddressRefused' });
      expect([names, targets]).toEqual([[], []]);
    },
  );

  it('expects no certificate name where the URL itself names an address', async () => {
    expect((await connectTo('8.8.8.8', [])).targets).toEqual([{ address: '8.8.8.8', port: 443, servername: undefined }]);
  });

  it('speaks https only', async () => {
    const { outcome, targets } = await connectTo('pictures.example', ['8.8.8.8'], { protocol: 'http:' });
    expect(outcome).toMatchObject({ name: 'AddressRefused' });
    expect(targets).toEqual([]);
  });

  it('tries the next checked address when one does not answer, up to four', async () => {
    const five = ['8.8.8.1', '8.8.8.2', '8.8.8.3', '8.8.8.4', '8.8.8.5'];
    const { outcome, targets } = await connectTo('pictures.example', five, { dial: ({ address }) => Promise.reject(new Error(address)) });
    expect(outcome).toMatchObject({ message: '8.8.8.4' });
    expect(targets.map(({ address }) => address)).toEqual(five.slice(0, 4));
  });

  it('gives up at once when aborted, also on a resolver or a dialler that never answers', async () => {
    const leaving = new AbortController();
    const hanging = connectTo('pictures.example', ['8.8.8.8'], { dial: () => new Promise(() => undefined), signal: leaving.signal });
    leaving.abort(new Error('enough'));
    expect((await hanging).outcome).toMatchObject({ message: 'enough' });
  });
});

describe("the machine's own dialler", () => {
  it('gives up a handshake when aborted, and closes the connection', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const leaving = new AbortController();
    const accepted = once(server, 'connection');
    const { port } = server.address() as AddressInfo;
    const dialled = machineDoors.dial({ address: '127.0.0.1', port, servername: 'pictures.example' }, leaving.signal);
    const [socket] = (await accepted) as [Socket];
    const closed = once(socket, 'close');
    leaving.abort();
    await expect(dialled).rejects.toThrow('aborted while connecting');
    await closed;
    server.close();
  });

  it('speaks to nobody who speaks no TLS', async () => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(machineDoors.dial({ address: '127.0.0.1', port, servername: undefined }, never)).rejects.toThrow();
    server.close();
  });
});
