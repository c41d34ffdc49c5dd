import { describe, expect, it } from 'vitest';
import { byteSize, duration, formatHostPort, hostPort, parseHostPort } from './values.js';

describe('a size', () => {
  it.each([
    ['0', 0],
    [1234, 1234],
    ['1B', 1],
    ['1kB', 1_000],
    ['100GB', 100e9],
    ['1.5 TB', 1.5e12],
    ['1MiB', 1_048_576],
    ['1.5KiB', 1536],
    ['2 TiB', 2 * 2 ** 40],
  ])('of %j is %d bytes', (text, bytes) => {
    expect(byteSize.parse(text)).toBe(bytes);
  });

  it.each(['', 'GB', '-1GB', '1 gigabyte', '1gb', '1,5GB', '1e3', -1, 1.5e300, '99999999PB', null, {}])(
    'cannot be %j',
    (value) => {
      const { success, error } = byteSize.safeParse(value);
      expect(success).toBe(false);
      expect(error?.issues[0]?.message).toContain('expected a size such as 100GB');
    },
  );
});

describe('a duration', () => {
  it.each([
    ['90s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['31d', 31 * 86_400_000],
    ['2 m', 120_000],
    ['0s', 0],
    ['36525d', 36_525 * 86_400_000],
  ])('of %j is %d milliseconds', (text, milliseconds) => {
    expect(duration.parse(text)).toBe(milliseconds);
  });

  it.each(['', '31', 'd', '-1d', '1 day', '1w', 31, null, '36526d', '200000000d'])(
    'cannot be %j',
    (value) => {
      const { success, error } = duration.safeParse(value);
      expect(success).toBe(false);
      expect(error?.issues[0]?.message).toContain('expected a duration such as 31d');
    },
  );
});

describe('a place to listen at', () => {
  it.each([
    ['127.0.0.1:7101', { host: '127.0.0.1', port: 7101 }],
    ['storage.example:0', { host: 'storage.example', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('of %j is read, and written again', (text, value) => {
    expect(hostPort.parse(text)).toEqual(value);
    expect(formatHostPort(value)).toBe(text);
  });

  it.each([
    '',
    '7101',
    ':7101',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:7101',
    'a b:1',
    'http://a:1',
    'me@a:1',
    'a:1/',
  ])('cannot be %j', (text) => {
    expect(parseHostPort(text)).toBeUndefined();
    expect(hostPort.safeParse(text).error?.issues[0]?.message).toBe('expected HOST:PORT');
  });
});
