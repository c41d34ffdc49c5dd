import { describe, expect, it } from 'vitest';
import { blake2b256 } from './blake2b.js';

const counting = (length: number) => Uint8Array.from({ length }, (_, index) => index % 251);

describe('blake2b256', () => {
  // From Python's hashlib.blake2b(…, digest_size=32), over the bytes 0, 1, … 250, 0, …
  it.each([
    [0, '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8'],
    [1, '03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314'],
    [32, 'cb2f5160fc1f7e05a55ef49d340b48da2e5a78099d53393351cd579dd42503d6'],
    [127, 'f2fe67ff342e21b8f45e8f2e0bcd1d9243245d50ee6c78042e9c491388791c72'],
    [128, 'c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1'],
    [129, 'f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9'],
    [255, 'd9ef0fc521b4266d16df662bec231bc2ec3989e7adeaf63169c295dc239dbbea'],
    [256, '582f782226018ec33076bd8d1c42413530ac7e1126260ffc0f306ba3befc3f24'],
    [257, '227e15ed64ee8e93eb7bc53828f76eed974f2c4ab1408c3d08f212b7f8d69904'],
    [1000, 'b372d0608f720c8c3dd41e9c8eecb10143b41abe520b616607e754bf79c08331'],
  ])('of %i bytes', (length, digest) => {
    expect(Buffer.from(blake2b256(counting(length))).toString('hex')).toBe(digest);
  });
});
