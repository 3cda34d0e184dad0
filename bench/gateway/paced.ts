// A busy server's load: requests at even distances, each timed from the moment it was due, so that a server which falls
// behind cannot slow its own load down. autocannon's rate is another thing: it sends what a second has room for as fast as
// it can and rests until the next, so that its latencies are those of a burst.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type Paced = { readonly latenciesMs: readonly number[]; readonly failed: number; readonly tookMs: number };
type Target = { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** A server that owes so many answers has fallen behind for good: what is due meanwhile is not sent, and counts as failed. */
const MOST_OPEN = 200;

/** Resolves when the last answer is there. */
export async function pace(target: Target, rate: number, seconds: number): Promise<Paced> {
  const agent = new Agent({ keepAlive: true });
  const beginsAt = performance.now();
  const count = rate * seconds;
  const answers: Promise<number | undefined>[] = [];
  let open = 0;
  for (let sent = 0; sent < count; sent += 1) {
    const dueAt = beginsAt + (sent * 1_000) / rate;
    const leftMs = dueAt - performance.now();
    if (leftMs > 0) await sleep(leftMs);
    if (open >= MOST_OPEN) continue;
    open += 1;
    const answered = (isGood: boolean): number | undefined => {
      open -= 1;
      return isGood ? performance.now() - dueAt : undefined;
    };
    answers.push(ask(target, agent).then(answered));
  }
  const latenciesMs = (await Promise.all(answers)).filter((latencyMs) => latencyMs !== undefined);
  agent.destroy();
  return { latenciesMs, failed: count - latenciesMs.length, tookMs: performance.now() - beginsAt };
}

/** Whether a 200 came whole. */
function ask({ url, headers, body }: Target, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.on('close', () => resolve(answer.complete && answer.statusCode === 200));
    });
    call.on('error', () => resolve(false));
    call.end(body);
  });
}
