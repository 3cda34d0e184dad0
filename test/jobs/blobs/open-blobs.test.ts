import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DEFAULT_SETTINGS, GatewaySettingsSchema } from '../../../src/gateway/config/settings.ts';
import { openBlobs } from '../../../src/jobs/blobs/open-blobs.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { dataFolder } from '../../gateway/support/state-world.ts';

describe('pictures of jobs', () => {
  it('are kept in the data folder unless a bucket is configured', async () => {
    const dataDir = await dataFolder();
    const blobs = await openBlobs(DEFAULT_SETTINGS.bucket, dataDir, systemIds());
    await blobs.put('blob_1', Uint8Array.of(1), 'image/png');
    expect(existsSync(join(dataDir, 'blobs'))).toBe(true);
    await blobs.close();
  });

  it('are kept in the bucket that settings name, and nothing is written to the folder', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'x');
    onTestFinished(() => void vi.unstubAllEnvs());
    const dataDir = await dataFolder();
    const endpoint = 'http://127.0.0.1:9';
    const { bucket } = GatewaySettingsSchema.parse({ bucket: { name: 'pictures', region: 'here', endpoint, pathStyle: true } });
    const blobs = await openBlobs(bucket, dataDir, systemIds());
    await expect(blobs.put('blob_1', Uint8Array.of(1), 'image/png')).rejects.toThrow('the bucket');
    expect(existsSync(join(dataDir, 'blobs'))).toBe(false);
    await blobs.close();
  });

  it('are in no bucket whose prefix could lead elsewhere', () => {
    for (const prefix of ['/', 'a', '/a/', 'a//', '../ x/'])
      expect(GatewaySettingsSchema.safeParse({ bucket: { name: 'pictures', prefix } }).success, prefix).toBe(false);
    for (const prefix of ['', 'a/', 'a/b-c/'])
      expect(GatewaySettingsSchema.safeParse({ bucket: { name: 'pictures', prefix } }).success).toBe(true);
  });
});
