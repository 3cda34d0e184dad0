import { describe, expect, it } from 'vitest';
import { run } from './terminal.ts';

describe('sandbox', () => {
  it('prints what to point clients at, serves until Ctrl-C, then prints its books', async () => {
    const controller = new AbortController();
    const asked: Promise<unknown>[] = [];
    const onOut = (text: string): void => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (url === undefined || asked.length > 0) return;
      asked.push(run(['generate', 'a fox', '--tier', 'preview', '--sandbox-url', url, '-o', 'fox.png']).finally(() => controller.abort()));
    };
    const { exit, out } = await run(['sandbox', '--speed', '20', '--pictures', 'light'], { signal: controller.signal, onOut });
    expect(exit).toBe(0);
    expect(await asked[0]).toMatchObject({ exit: 0 });
    expect(out).toContain('/openai/v1');
    expect(out).toContain('/__sim/ledger');
    expect(out).toMatch(/\d reached a model, 0 were made for a caller who had left; billed \$0\.00\d+/);
  });

  it('with --json it is one object at the start and one at the end', async () => {
    const controller = new AbortController();
    const { out } = await run(['sandbox', '--json'], { signal: controller.signal, onOut: () => controller.abort() });
    const [start = '', end = ''] = out.split(/(?<=^\}\n)/m);
    expect(JSON.parse(start).endpoints).toHaveLength(2);
    expect(JSON.parse(end).ledger).toEqual([]);
  });
});
