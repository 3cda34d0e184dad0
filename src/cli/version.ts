// The version of this package, from its own manifest.
import { createRequire } from 'node:module';

export function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('image-router/package.json');
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
