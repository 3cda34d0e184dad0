// Which names in a URL mean this very machine, whoever resolves them, and by which one it reaches what it listens on.

/** Whether only this machine can reach it: where no key is needed. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || bare === '0:0:0:0:0:0:0:1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(bare);
}

/** How a URL names, on this machine, what listens on `host`: all addresses (`0.0.0.0`, `::`) are no address to ask. */
export function hostInUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
