// Which addresses may be connected to on a caller's word. Nothing here opens a socket or asks a resolver.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress, publicAddressesOf } from '../../../src/system/network/address-guard.ts';

const refused: readonly (readonly [string, readonly string[]])[] = [
  ['this network', ['0.0.0.0', '0.1.2.3', '0.255.255.255']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
  ['unspecified', ['::']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1']],
  ['link-local', ['169.254.0.1', 'fe80::1', 'febf::1']],
  ['cloud metadata', ['169.254.169.254', '169.254.170.2', '100.100.100.200', '192.0.0.192', '168.63.129.16', 'fd00:ec2::254']],
  ['carrier-grade NAT', ['100.64.0.1', '100.127.255.255']],
  ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
  ['broadcast and reserved', ['255.255.255.255', '240.0.0.1', '192.0.0.8', '198.18.0.1', '198.19.255.255']],
  ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
  ['IPv4 mapped into IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '0:0:0:0:0:ffff:a9fe:a9fe']],
  ['IPv4-compatible IPv6', ['::127.0.0.1', '::7f00:1', '::8.8.8.8']],
  ['NAT64', ['64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b:1::a9fe:a9fe']],
  ['SIIT', ['::ffff:0:127.0.0.1']],
  ['6to4', ['2002:7f00:1::1', '2002:a9fe:a9fe::1']],
  ['Teredo', ['2001:0:7f00:1::1']],
  ['site-local, discard, outside of what is handed out', ['fec0::1', '100::1', '4000::1', '1234::1']],
  ['with a zone', ['fe80::1%eth0', '2606:4700::1111%1']],
  ['no address in dotted form', ['127.1', '0x7f000001', '2130706433', '0177.0.0.1', 'localhost', 'example.com', '', '1.2.3.4.5', '[::1]']],
];

describe('the address guard', () => {
  it.each(refused)('refuses %s', (_name, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });

  it('lets public addresses pass', () => {
    const addresses = [
      '8.8.8.8',
      '1.1.1.1',
      '93.184.215.14',
      '172.15.255.255',
      '172.32.0.1',
      '100.128.0.1',
      '2606:4700:4700::1111',
      '2a00:1450::1',
    ];
    expect(addresses.filter(isPublicAddress)).toEqual(addresses);
  });

  it('never lets an IPv4 address pass inside an IPv6 one', () => {
    const prefixes = ['::ffff:', '::', '64:ff9b::', '::ffff:0:'];
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), fc.constantFrom(...prefixes), (octets, prefix) => {
        expect(isPublicAddress(`${prefix}${octets.join('.')}`)).toBe(false);
      }),
    );
  });

  it('refuses a host when only one of its addresses is not public', async () => {
    expect(await publicAddressesOf('pictures.example', async () => ['8.8.8.8', '127.0.0.1'])).toBeUndefined();
    expect(await publicAddressesOf('pictures.example', async () => ['8.8.8.8', '1.1.1.1'])).toEqual(['8.8.8.8', '1.1.1.1']);
  });

  it('answers the same for a host without address, one that does not resolve and one that is private', async () => {
    const answers = await Promise.all([
      publicAddressesOf('none.example', async () => []),
      publicAddressesOf('lost.example', () => Promise.reject(new Error('ENOTFOUND'))),
      publicAddressesOf('inside.example', async () => ['10.0.0.1']),
    ]);
    expect(answers).toEqual([undefined, undefined, undefined]);
  });

  it('checks an address written as such without asking a resolver', async () => {
    const never = (): never => {
      throw new Error('asked');
    };
    expect(await publicAddressesOf('[::1]', never)).toBeUndefined();
    expect(await publicAddressesOf('127.0.0.1', never)).toBeUndefined();
    expect(await publicAddressesOf('8.8.8.8', never)).toEqual(['8.8.8.8']);
  });
});
