// What must hold of a gateway after a fuzz run: it is alive and takes work, it makes an image, it said nothing of the
// prompts and keys it was sent, it knows of no defect of its own, and no error went uncaught.
import { CANARY, KEY_CANARY } from './values.ts';

/** How the log tells of a bug. */
const DEFECT = /"level":"(error|fatal)"/;

export type FuzzedWorld = { readonly url: string; readonly said: () => readonly string[]; readonly accidents: readonly string[] };

export async function judgeWorld({ url, said, accidents }: FuzzedWorld): Promise<readonly string[]> {
  const violations: string[] = [];
  for (const path of ['/livez', '/readyz']) {
    const { status } = await fetch(`${url}${path}`);
    if (status !== 200) violations.push(`${path} answers ${status} afterwards`);
  }
  const made = await fetch(`${url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a red fox in the snow' }),
  });
  if (made.status !== 200) violations.push(`a generation answers ${made.status} afterwards`);
  await made.arrayBuffer();
  violations.push(...accidents.map((accident) => `uncaught: ${accident.slice(0, 500)}`));
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const line of [...said(), metrics]) {
    if (line.includes(CANARY) || line.includes(KEY_CANARY)) violations.push(`logged what was sent: ${line.slice(0, 300)}`);
    if (DEFECT.test(line)) violations.push(`a defect: ${line.slice(0, 500)}`);
  }
  return violations;
}
