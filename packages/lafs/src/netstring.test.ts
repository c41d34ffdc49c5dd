import { expect, test } from 'vitest';
import { netstring } from './netstring.js';

test('a netstring is the length, a colon, the bytes and a comma', () => {
  expect(Buffer.from(netstring(Buffer.from('hello'))).toString()).toBe('5:hello,');
  expect(Buffer.from(netstring(new Uint8Array())).toString()).toBe('0:,');
  expect(netstring(new Uint8Array(1000)).subarray(0, 6)).toEqual(new Uint8Array(Buffer.from('1000:\0')));
});
