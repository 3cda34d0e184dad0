import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BlobStore } from '../../../src/jobs/blob-store.ts';
import { openFolderBlobs } from '../../../src/jobs/blobs/folder-blobs.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { dataFolder } from '../../gateway/support/state-world.ts';
import { blobStoreContract } from './contract.ts';

const ids = systemIds();
const open = (dataDir: string): BlobStore => openFolderBlobs({ dataDir, ids });
const PICTURE = new Uint8Array(200_000).fill(7);

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

async function namesIn(store: BlobStore): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of store.list()) names.push(name);
  return names;
}

describe('blobs in a folder', () => {
  blobStoreContract(async () => {
    const dataDir = await dataFolder();
    const [one, other] = [open(dataDir), open(dataDir)];
    return { one, other, close: async () => void (await Promise.all([one.close(), other.close()])) };
  });

  it('can be read by their owner alone, and are spread over folders however alike their names begin', async () => {
    const dataDir = await dataFolder();
    const blobs = open(dataDir);
    for (let index = 0; index < 20; index += 1) await blobs.put(`blob_${index}`, PICTURE, 'image/png');
    const files = filesIn(join(dataDir, 'blobs'));
    expect(files).toHaveLength(20);
    expect(new Set(files.map((file) => file.split('/').at(-3))).size).toBeGreaterThan(10);
    for (const file of files) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(file).toMatch(/blobs\/[0-9a-f]{2}\/[0-9a-f]{2}\/blob_\d+$/);
      for (const folder of [file.split('/').slice(0, -1).join('/'), file.split('/').slice(0, -2).join('/'), join(dataDir, 'blobs')])
        expect(statSync(folder).mode & 0o777).toBe(0o700);
    }
  });

  it('leave nothing aside when they are written, and what a crash left aside goes when it is old', async () => {
    const dataDir = await dataFolder();
    const aside = join(dataDir, 'blobs', 'aside');
    const blobs = open(dataDir);
    await blobs.put('blob_1', PICTURE, 'image/png');
    expect(readdirSync(aside)).toEqual([]);
    for (const name of ['old', 'young']) writeFileSync(join(aside, name), 'half a picture');
    const twoHoursAgo = Date.now() / 1_000 - 7_200;
    utimesSync(join(aside, 'old'), twoHoursAgo, twoHoursAgo);
    expect(await namesIn(blobs)).toEqual(['blob_1']);
    expect(readdirSync(aside)).toEqual(['young']);
  });

  it('are not looked for in files that somebody else put there', async () => {
    const dataDir = await dataFolder();
    const blobs = open(dataDir);
    await blobs.put('blob_1', PICTURE, 'image/png');
    writeFileSync(join(dataDir, 'blobs', 'README'), 'hands off');
    mkdirSync(join(dataDir, 'blobs', 'ab', 'cd'), { recursive: true });
    writeFileSync(join(dataDir, 'blobs', 'ab', 'cd', '.DS_Store'), '');
    expect(await namesIn(blobs)).toEqual(['blob_1']);
  });

  it('say at once that their folder cannot be used', async () => {
    const dataDir = await dataFolder();
    writeFileSync(join(dataDir, 'blobs'), 'in the way');
    expect(() => open(dataDir)).toThrow(/the folder for pictures .*blobs cannot be used/);
  });

  it('that cannot be written are a StoreError, and can be written when the trouble is over', async () => {
    const dataDir = await dataFolder();
    const blobs = open(dataDir);
    renameSync(join(dataDir, 'blobs'), join(dataDir, 'away'));
    writeFileSync(join(dataDir, 'blobs'), 'in the way');
    await expect(blobs.put('blob_1', PICTURE, 'image/png')).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' });
    renameSync(join(dataDir, 'blobs'), join(dataDir, 'moved'));
    renameSync(join(dataDir, 'away'), join(dataDir, 'blobs'));
    await blobs.put('blob_1', PICTURE, 'image/png');
    expect(await blobs.get('blob_1')).toHaveLength(PICTURE.length);
  });

  it('are whole or absent on a disk that is full, which is a StoreError and loses nothing (failure point 16)', async (context) => {
    const dataDir = await dataFolder();
    if (!mountSmallDisk(dataDir)) context.skip('no disk of one megabyte can be mounted here: that takes root');
    const blobs = open(dataDir);
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => blobs.put(`blob_${index}`, PICTURE, 'image/png')));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(12);
    for (const error of refused) expect(error).toMatchObject({ kind: 'unavailable', cause: { code: 'ENOSPC' } });
    const names = await namesIn(blobs);
    expect(names).toHaveLength(12 - refused.length);
    for (const name of names) expect(await blobs.get(name)).toEqual(Buffer.from(PICTURE));
    // What could not be written takes no room: once something goes, as much fits again.
    await blobs.remove(names.slice(0, 1));
    await blobs.put('blob_again', PICTURE, 'image/png');
  });
});

/** Gone when the test is over. False: not allowed here. */
function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  chmodSync(folder, 0o700);
  return true;
}
