// What a gateway says when it runs: where it is, what is behind it, and one line to try that works as it stands.
import { type Io, print } from '../io.ts';
import { paintFor } from '../paint.ts';
import type { OpenGateway } from './open-gateway.ts';
import { createKeyLine, type StorePlace } from './open-stores.ts';

export type About = { readonly behind: string; readonly requireKeys: boolean; readonly databaseUrl: string | undefined };

export function introduce({ url, live, usableKeys }: OpenGateway, { behind, requireKeys, databaseUrl }: About, io: Io): void {
  const paint = paintFor(io.stdout, io.env);
  const { speed } = live.options();
  const served = new Set(
    live
      .router()
      .health()
      .map(({ route }) => route),
  );
  const aliases = Object.keys(live.settings().aliases);
  const key = requireKeys ? ' -H "authorization: Bearer $IMAGE_ROUTER_KEY"' : '';
  const lines = [
    `gateway   ${paint('bold', url)}  (base URL for OpenAI clients: ${url}/v1)`,
    `behind it ${behind}${speed === 1 ? '' : `, at ${speed} times real speed`}`,
    `models    ${['auto', 'preview', 'standard', 'premium', ...served, ...aliases].join(', ')}`,
    `keys      ${requireKeys ? keysText(usableKeys, { dataDir: live.settings().dataDir, databaseUrl }) : 'none needed on this machine'}`,
    `look at   ${url}/docs  ${url}/v1/routes  ${url}/v1/traces/ID  ${url}/metrics`,
    `try       curl -s ${url}/v1/images/generations -H "content-type: application/json"${key} -d '{"model":"auto","prompt":"a red fox asleep in fresh snow"}'`,
  ];
  for (const line of lines) print(io.stdout, line);
}

function keysText(usable: number, place: StorePlace): string {
  return usable > 0 ? `required; ${usable} in use` : `required, and there is none: ${createKeyLine(place)}`;
}
