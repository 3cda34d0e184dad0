// image-router keys: make, list and revoke the keys of a gateway. A key is shown once, when it is made.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exactUsd, microUsd } from '../../domain/money.ts';
import { problemsError } from '../../domain/problem.ts';
import { DEFAULT_SETTINGS } from '../../gateway/config/settings.ts';
import { createKeyRing, type KeyRing, REMEMBERED_MS } from '../../gateway/keys/key-ring.ts';
import { parseToken } from '../../gateway/keys/token.ts';
import { type KeyLimits, SCOPES } from '../../gateway/ports.ts';
import { periodsOf } from '../../gateway/store/periods.ts';
import type { StoredKey } from '../../gateway/store/store.ts';
import { systemClock } from '../../system/clock.ts';
import { systemIds } from '../../system/ids.ts';
import { systemSecrets } from '../../system/secrets.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { type KeyFlags, readNewKey } from '../key-options.ts';
import { databaseUrlIn, openStores } from '../serve/open-stores.ts';
import { renderTable } from '../table.ts';

type Common = { readonly data?: string; readonly json?: boolean };
type CreateFlags = Common & KeyFlags;

export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description("make, list and revoke a gateway's keys");
  const add = (name: string, what: string): Command =>
    keys
      .command(name)
      .description(what)
      .option('--data <folder>', "the gateway's data folder, unless DATABASE_URL names a database; default .image-router")
      .option('--json', 'JSON on stdout');
  add('create', 'make a key and show it, once')
    .requiredOption('--name <name>', 'whose key it is, for people')
    .option('--scope <scopes>', `what it may do: ${SCOPES.join(', ')}; default images`)
    .option('--requests-per-minute <count>', 'requests per minute')
    .option('--images-per-minute <count>', 'images per minute')
    .option('--concurrent <count>', 'requests at the same time')
    .option('--usd-per-day <dollars>', 'spend per UTC day, possibly billed calls included')
    .option('--usd-per-month <dollars>', 'spend per calendar month')
    .option('--policy <ids>', 'the only policies it may use, with commas')
    .option('--model <names>', 'the only models it may ask for, with commas')
    .action((flags: CreateFlags) => withKeys(flags, io, (ring) => create(ring, flags, io)));
  add('list', 'list keys; their secrets are not kept').action((flags: Common) => withKeys(flags, io, (ring) => list(ring, flags, io)));
  add('revoke <id>', 'let a key in no longer').action((id: string, flags: Common) =>
    withKeys(flags, io, (ring) => revoke(ring, id, flags, io)),
  );
}

async function withKeys(flags: Common, io: Io, work: (ring: KeyRing) => Promise<void>): Promise<void> {
  const clock = systemClock();
  const dataDir = resolve(io.cwd, flags.data ?? DEFAULT_SETTINGS.dataDir);
  const { store } = await openStores({ dataDir, databaseUrl: databaseUrlIn(io.env) }, clock, systemIds().next('cli'));
  try {
    await work(createKeyRing(store, clock, systemSecrets()));
  } finally {
    await store.close();
  }
}

async function create(ring: KeyRing, flags: CreateFlags, io: Io): Promise<void> {
  const { token, key } = await ring.create(readNewKey(flags));
  if (flags.json === true) printJson(io.stdout, { key: token, ...described(key) });
  else print(io.stdout, `${token}\nThis is the only time it is shown. Send it as "Authorization: Bearer ir_...".`);
}

async function list(ring: KeyRing, flags: Common, io: Io): Promise<void> {
  const keys = (await ring.list()).map(described);
  if (flags.json === true) return printJson(io.stdout, { keys });
  const titles = ['id', 'name', 'created', 'scopes', 'limits', 'state'].map((title) => ({ title }));
  const rows = keys.map(({ id, name, created, scopes, limits, revoked }) => [
    id,
    name,
    created,
    scopes.join(' '),
    limitsText(limits),
    revoked ? 'revoked' : 'in use',
  ]);
  print(io.stdout, renderTable(titles, rows, columnsOf(io.stdout)));
}

async function revoke(ring: KeyRing, text: string, flags: Common, io: Io): Promise<void> {
  // Who has a key that leaked may give it whole; it is not shown again.
  const id = parseToken(text)?.id ?? text;
  if (!(await ring.revoke(id))) {
    const problem = {
      field: 'id',
      rule: 'must be the id of a key in use',
      value: JSON.stringify(id),
      remedy: 'see image-router keys list',
    };
    throw problemsError('invalid_request', 'request', [problem]);
  }
  if (flags.json === true) return printJson(io.stdout, { id, revoked: true });
  print(io.stdout, `revoked; gateways that run let it in for another ${REMEMBERED_MS / 1_000} s at most`);
}

function described({ id, name, scopes, limits, createdAt, revokedAt }: StoredKey) {
  return { id, name, created: periodsOf(createdAt).day, scopes, limits, revoked: revokedAt !== undefined };
}

function limitsText(limits: KeyLimits): string {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return given.length === 0 ? 'none' : given.map(([name, value]) => `${name} ${limitText(name, value)}`).join(', ');
}

function limitText(name: string, value: KeyLimits[keyof KeyLimits]): string {
  if (typeof value !== 'number') return value?.join(',') ?? 'none';
  return name.startsWith('usd') ? exactUsd(microUsd(value)) : String(value);
}
