import { describe, expect, it } from 'vitest';
import { hostInUrl, isLoopbackHost } from '../../../src/system/network/loopback-host.ts';

describe('names of this machine', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])('%s is loopback', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });
  it.each(['0.0.0.0', '::', '192.168.0.1', 'localhost.example.com', '127.0.0.1.example.com', ''])('"%s" is not', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['::1', '[::1]'],
    ['192.0.2.1', '192.0.2.1'],
    ['localhost', 'localhost'],
  ])('what listens on %s is asked at an address: %s', (host, name) => {
    expect(hostInUrl(host)).toBe(name);
  });
});
