import { describe, expect, it } from 'vitest';
import { createKeyLine } from '../../src/cli/serve/open-stores.ts';

describe('the line that makes a key', () => {
  it('makes it in the folder of the gateway that misses it', () => {
    expect(createKeyLine({ dataDir: '/srv/router', databaseUrl: undefined })).toBe(
      'image-router keys create --name NAME --data /srv/router',
    );
  });

  it('makes it in the database where there is one, without telling its password', () => {
    const line = createKeyLine({ dataDir: '/srv/router', databaseUrl: 'postgres://router:secret@db/router' });
    expect(line).toBe('DATABASE_URL=... image-router keys create --name NAME');
  });
});
