// Secrets that all gateways on one store share, such as what links are signed with. Made by whoever asks first.
import type { Sql } from './sql.ts';

export function sharedSecret(sql: Sql, name: string, make: () => Uint8Array): Uint8Array {
  const find = sql.prepare('SELECT secret FROM secrets WHERE name = ?');
  const known = find.get(name)?.secret;
  if (known instanceof Uint8Array) return known;
  const made = make();
  sql.prepare('INSERT INTO secrets VALUES (?, ?)').run(name, made);
  return made;
}
