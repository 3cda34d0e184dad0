// Watches the time limits that sockets of this process are given: the only way to see that there is none without waiting.
import { Socket } from 'node:net';
import { vi } from 'vitest';

/** The limits, in milliseconds, that connections to `port` have at the time `moment` resolves; 0 is none. */
export async function limitsAt(port: number, begin: () => unknown, moment: Promise<unknown>): Promise<readonly number[]> {
  const spy = vi.spyOn(Socket.prototype, 'setTimeout');
  try {
    begin();
    await moment;
    const sockets = new Set(spy.mock.contexts.filter((socket) => socket instanceof Socket).filter((socket) => socket.remotePort === port));
    return [...sockets].map((socket) => socket.timeout ?? 0);
  } finally {
    spy.mockRestore();
  }
}
