import { describe, expect, it } from 'vitest';
import { formatBytes } from '../format-bytes.js';
import { brokerResource } from './broker-url.js';
import { BrokerError } from './errors.js';

describe('a resource of a broker', () => {
  it.each([
    ['http://127.0.0.1:3456', 'http://127.0.0.1:3456/uri'],
    ['http://127.0.0.1:3456/', 'http://127.0.0.1:3456/uri'],
    ['https://example.org/grid/', 'https://example.org/grid/uri'],
  ])('is below %s', (broker, expected) => {
    expect(brokerResource(broker, 'uri').href).toBe(expected);
  });

  it('keeps a capability one segment of the path', () => {
    expect(brokerResource('http://h', `uri/${encodeURIComponent('URI:CHK:a:b:3:10:7/x?y')}`).href).toBe(
      'http://h/uri/URI%3ACHK%3Aa%3Ab%3A3%3A10%3A7%2Fx%3Fy',
    );
  });
});

describe("a broker's refusal", () => {
  it('is its status and the first line of what it said', () => {
    expect(BrokerError.fromAnswer(410, '\nNotEnoughSharesError: found 2\nmore\n').message).toBe(
      'the broker answered 410: NotEnoughSharesError: found 2',
    );
    expect(BrokerError.fromAnswer(500, '<html><body><h1>Oh</h1></body></html>').message).toBe(
      'the broker answered 500: Oh',
    );
    expect(BrokerError.fromAnswer(502, '').message).toBe('the broker answered 502');
  });
});

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [1_540_000, '1.5 MB'],
    [2e18, '2000.0 PB'],
  ])('%d are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
