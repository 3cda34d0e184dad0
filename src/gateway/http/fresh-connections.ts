// Connections on which no request has arrived yet. Browsers, pools and load balancers open some in advance and may never use
// them; a server that is to close takes them for busy, and would wait for them to the end of its patience.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class FreshConnections {
  readonly #sockets = new Set<Socket>();
  readonly #closed: (this: Socket) => void;

  constructor(server: Server) {
    const sockets = this.#sockets;
    this.#closed = function (this: Socket) {
      sockets.delete(this);
    };
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', this.#closed);
    });
  }

  /** A request has arrived on it; from the second on this is nothing new. */
  used(socket: Socket): void {
    if (this.#sockets.delete(socket)) socket.off('close', this.#closed);
  }

  /** Those that have not sent a byte. */
  closeSilent(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }
}
