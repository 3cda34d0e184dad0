// A way to a server that a test can cut or block: what a network does to a database.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type TcpProxy = {
  readonly port: number;
  /** Ends every connection, and refuses new ones until `mend`. */
  cut(): void;
  /** Says nothing any more, on connections old and new, and ends none of them. */
  block(): void;
  mend(): void;
  /** The next time a client says `text` the server hears it, and what it answers is lost with the connection. */
  loseAnswerTo(text: string): void;
};

export async function tcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'blocked' = 'open';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  let fatal: string | undefined;
  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      if (state === 'open') to.write(bytes);
    });
    from.on('close', () => to.destroy());
  };
  const loseAnswers = (near: Socket, far: Socket): void => {
    near.prependListener('data', (bytes) => {
      if (fatal === undefined || !bytes.includes(fatal)) return;
      fatal = undefined;
      far.removeAllListeners('data').once('data', () => near.resetAndDestroy());
    });
  };
  const server = createServer((near) => {
    keep(near);
    if (state === 'cut') near.resetAndDestroy();
    if (state !== 'open') return;
    const far = keep(connect(target));
    pass(near, far);
    pass(far, near);
    loseAnswers(near, far);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut: () => {
      state = 'cut';
      for (const socket of sockets) socket.resetAndDestroy();
    },
    block: () => {
      state = 'blocked';
    },
    mend: () => {
      // What was blocked has lost bytes: nobody can go on with it.
      for (const socket of sockets) socket.destroy();
      state = 'open';
    },
    loseAnswerTo: (text) => {
      fatal = text;
    },
  };
}
