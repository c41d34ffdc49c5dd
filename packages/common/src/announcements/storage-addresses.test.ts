import { parseFurl, parseNurl } from '@holdfast/lafs';
import { expect, it } from 'vitest';
import { storageAddresses } from './storage-addresses.js';

it('says of each place by what network it is reached', () => {
  const places = [
    { host: '10.0.0.5', port: 7201 },
    { host: 'abcdef.onion', port: 443 },
    { host: 'abcdef.b32.i2p', port: 443 },
  ];
  const parts = { tubId: new Uint8Array(20), spkiHash: new Uint8Array(32), swissnum: 'swiss' };
  const { 'anonymous-storage-NURLs': nurls, 'anonymous-storage-FURL': furl } = storageAddresses({
    ...parts,
    locations: places,
  });
  expect(nurls.map((nurl) => parseNurl(nurl).transport)).toEqual(['tcp', 'tor', 'i2p']);
  expect(parseFurl(furl).hints).toEqual([
    { transport: 'tcp', ...places[0] },
    { transport: 'tor', ...places[1] },
    { transport: 'i2p', ...places[2] },
  ]);
});
