import { describe, expect, it } from 'vitest';
import { readReceiverUrl } from '../../../src/jobs/webhooks/receiver-url.ts';

describe('the URL of a receiver', () => {
  it.each([
    ['https://receiver.example/hook?a=b', 'public'],
    ['https://receiver.example:8443/', 'public'],
    ['http://127.0.0.1:3000/hook', 'loopback'],
    ['http://localhost:3000/', 'loopback'],
    ['http://[::1]:3000/', 'loopback'],
    // Refused by the connection, which sees every address.
    ['https://127.0.0.1/', 'public'],
  ])('%s is %s', (text, kind) => {
    expect(readReceiverUrl(text, true).kind).toBe(kind);
  });

  it.each([
    ['receiver.example', 'is no URL'],
    ['http://receiver.example/', 'must be an https URL'],
    ['http://127.0.0.1.receiver.example/', 'must be an https URL'],
    ['http://10.0.0.1/', 'must be an https URL'],
    ['ftp://127.0.0.1/', 'must be an https URL'],
    ['file:///etc/passwd', 'must be an https URL'],
    ['https://receiver.example:22/', 'must use port 443 or 8443'],
    ['https://user:secret@receiver.example/', 'must not carry a user name or password'],
    ['http://user@127.0.0.1/', 'must not carry a user name or password'],
    [`https://receiver.example/${'x'.repeat(2_048)}`, 'must be at most 2048 characters'],
  ])('%s is refused: it %s', (text, reason) => {
    expect(readReceiverUrl(text, true)).toEqual({ kind: 'unusable', reason });
  });

  it.each(['http://127.0.0.1:3000/hook', 'http://localhost/', 'http://[::1]/'])('%s is refused unless the operator allows it', (text) => {
    expect(readReceiverUrl(text, false)).toEqual({ kind: 'unusable', reason: 'must be an https URL' });
  });
});
