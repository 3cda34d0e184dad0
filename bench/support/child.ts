// Starts one of the scripts here as a process of its own and takes its first message.
import { type ChildProcess, fork } from 'node:child_process';

export type Child<Message> = { readonly message: Message; stop(): void };

/** Rejects when the script ends before it said anything. */
export function startChild<Message>(script: URL, args: readonly string[] = []): Promise<Child<Message>> {
  const child: ChildProcess = fork(script, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ message: message as Message, stop: () => void child.kill() }));
    child.once('exit', (code) => reject(new Error(`${script.pathname} ended with ${code} before it said anything`)));
  });
}
