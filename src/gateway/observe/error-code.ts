// `ENOSPC`, `ERR_SQLITE_ERROR`, `57P03`: the machine's or the database's own word for what went wrong.

/** Undefined where it has none that looks like one. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^[A-Z0-9][A-Z0-9_]{2,40}$/.test(code) ? code : undefined;
}
