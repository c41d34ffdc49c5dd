import { describe, expect, it } from 'vitest';
import {
  formatAuthorization,
  formatContentRange,
  formatRange,
  formatSecrets,
  isCbor,
  MalformedHeaderError,
  parseAuthorization,
  parseContentRange,
  parseRange,
  parseSecrets,
  prefersCbor,
} from './index.js';

describe('Content-Range', () => {
  it('is written as the peer writes it', () => {
    expect(formatContentRange({ begin: 0, end: 16 })).toBe('bytes 0-15/*');
    expect(formatContentRange({ begin: 16, end: 32, total: 48 })).toBe('bytes 16-31/48');
  });

  it('is read with and without a total', () => {
    expect(parseContentRange('bytes 0-15/*')).toEqual({ begin: 0, end: 16 });
    expect(parseContentRange('bytes 0-15/48')).toEqual({ begin: 0, end: 16, total: 48 });
  });

  it.each([
    undefined,
    '',
    'bytes */48',
    'bytes 5-4/*',
    'bytes 0-48/48',
    'bytes 0-/*',
    'bytes -5/*',
    'items 0-1/*',
    'bytes 0-15',
    'bytes 0-99999999999999999999/*',
    'bytes 0-1/*, bytes 3-4/*',
  ])('%s is refused', (text) => {
    expect(() => parseContentRange(text)).toThrow(MalformedHeaderError);
  });
});

describe('Range', () => {
  it('is one range with both ends', () => {
    expect(formatRange({ begin: 3, end: 10 })).toBe('bytes=3-9');
    expect(parseRange('bytes=3-9')).toEqual({ begin: 3, end: 10 });
  });

  it.each([
    'bytes=5-',
    'bytes=-5',
    'bytes=0-1,3-4',
    'bytes=9-3',
    'bytes=',
    'bytes',
    'octets=0-1',
    'bytes=a-b',
  ])('%s is refused', (text) => expect(() => parseRange(text)).toThrow(MalformedHeaderError));
});

describe('secrets', () => {
  const renew = Buffer.alloc(32, 1);
  const cancel = Buffer.alloc(32, 2);

  it('go one to a header and come back', () => {
    const values = formatSecrets({ 'lease-renew-secret': renew, 'lease-cancel-secret': cancel });
    expect(values).toEqual([
      `lease-renew-secret ${renew.toString('base64')}`,
      `lease-cancel-secret ${cancel.toString('base64')}`,
    ]);
    expect(parseSecrets(values, ['lease-cancel-secret', 'lease-renew-secret'])).toEqual({
      'lease-renew-secret': renew,
      'lease-cancel-secret': cancel,
    });
  });

  const upload = `upload-secret ${Buffer.alloc(20, 3).toString('base64')}`;
  it.each([
    ['missing', []],
    ['of another kind', [`write-enabler ${renew.toString('base64')}`]],
    ['of an unknown kind', [upload, 'sesame open']],
    ['more than asked for', [upload, `write-enabler ${renew.toString('base64')}`]],
    ['twice', [upload, upload]],
    ['empty', ['upload-secret ']],
    ['without a value', ['upload-secret']],
    ['not base64', ['upload-secret !!!!']],
    ['joined by commas', [`${upload}, ${upload}`]],
    ['a short write enabler', [`write-enabler ${renew.subarray(1).toString('base64')}`]],
    ['a short lease secret', [`lease-renew-secret ${renew.subarray(1).toString('base64')}`]],
  ])('%s: refused', (_, values) => {
    expect(() => parseSecrets(values, ['upload-secret'])).toThrow(MalformedHeaderError);
  });

  it('are in no error', () => {
    for (const values of [[`${upload}, x`], [`lease-renew-secret ${upload}`], [upload, upload]]) {
      try {
        parseSecrets(values, ['upload-secret']);
        expect.unreachable();
      } catch (error) {
        expect(JSON.stringify(error) + (error as Error).message).not.toContain('AwMD');
      }
    }
  });
});

describe('Authorization', () => {
  it('carries the swissnum in base64', () => {
    expect(formatAuthorization('abcdef')).toBe('Tahoe-LAFS YWJjZGVm');
    expect(parseAuthorization('Tahoe-LAFS YWJjZGVm')).toEqual(Buffer.from('abcdef'));
  });

  it.each([
    undefined,
    '',
    'Basic YWJjZGVm',
    'Tahoe-LAFS',
    'Tahoe-LAFS ',
    'Tahoe-LAFS YWJj!',
    'tahoe-lafs YWJj',
  ])('%s is none', (header) => expect(parseAuthorization(header)).toBeUndefined());
});

describe('media types', () => {
  it.each([
    undefined,
    'application/cbor',
    'text/html;q=0.5, application/cbor',
    'application/cbor;q=0.9, */*;q=0.1',
    '*/*, application/cbor',
  ])('Accept %s prefers CBOR', (accept) => expect(prefersCbor(accept)).toBe(true));
  it.each([
    '*/*',
    'application/*',
    'application/json',
    'application/cbor;q=0',
    'application/json, application/cbor',
    '',
  ])('Accept %s does not', (accept) => expect(prefersCbor(accept)).toBe(false));
  it('a body without a type, or with parameters, is CBOR', () => {
    expect([undefined, 'application/cbor', 'Application/CBOR; x=y'].map(isCbor)).toEqual([true, true, true]);
    expect(['application/json', 'text/plain', ''].map(isCbor)).toEqual([false, false, false]);
  });
});
