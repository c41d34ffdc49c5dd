import { describe, expect, it } from 'vitest';
import {
  byteSizeArgument,
  countArgument,
  durationArgument,
  hostPortArgument,
  hostPortArguments,
  quotaArgument,
  sharesArgument,
  urlArgument,
} from './arguments.js';

describe('arguments', () => {
  it.each(['127.0.0.1:80', 'example.org:3456', '[::1]:7201'])('takes %s as a place', (text) => {
    expect(hostPortArgument(text)).toBe(text);
  });

  it.each(['80', ':80', 'host', 'host:', 'host:65536', 'http://host:80', '::1:80'])(
    'refuses %s as a place',
    (text) => {
      expect(() => hostPortArgument(text)).toThrow('Expected HOST:PORT');
    },
  );

  it('gathers places that are given one by one', () => {
    expect(hostPortArguments('b:2', hostPortArguments('a:1'))).toEqual(['a:1', 'b:2']);
  });

  it('takes shares that can be', () => {
    expect(sharesArgument('3,7,10')).toEqual({ required: 3, happy: 7, total: 10 });
    expect(sharesArgument('256,1,256')).toEqual({ required: 256, happy: 1, total: 256 });
  });

  it.each(['3', '3,7', '3,7,10,2', 'a,b,c', '0,1,1', '4,1,3', '1,4,3', '1,0,3', '1,1,257', '-1,1,2'])(
    'refuses shares %s',
    (text) => {
      expect(() => sharesArgument(text)).toThrow('Expected');
    },
  );

  it.each(['0', '101', '1.5', '-1', '', 'x', '1e1'])('refuses %s of 100', (text) => {
    expect(() => countArgument(100)(text)).toThrow('from 1 to 100');
  });

  it.each(['100GB', '1.5 TiB', '1kB'])('takes %s as a size', (text) => {
    expect(byteSizeArgument(text)).toBe(text);
  });

  it.each(['100', 'GB', '1XB', '-1GB'])('refuses %s as a size', (text) => {
    expect(() => byteSizeArgument(text)).toThrow('Expected a size');
  });

  it('takes a size or none as a quota', () => {
    expect(['none', '5 GiB'].map(quotaArgument)).toEqual(['none', '5 GiB']);
    expect(() => quotaArgument('all')).toThrow('Expected a size');
  });

  it.each(['60d', '12h', '1.5 d', '90s'])('takes %s as a duration', (text) => {
    expect(durationArgument(text)).toBe(text);
  });

  it.each(['60', 'd', '-1d', '0d', '1w', '1d1h'])('refuses %s as a duration', (text) => {
    expect(() => durationArgument(text)).toThrow('Expected a duration');
  });

  it('takes URLs of the protocols that it is for', () => {
    const parse = urlArgument('--nats', ['nats:'], 'nats://host:4222');
    expect(parse('nats://h:1')).toBe('nats://h:1');
    expect(() => parse('http://h:1')).toThrow('nats://host:4222');
    expect(() => parse('h:1')).toThrow('nats://host:4222');
  });

  it('does not tell back a wrong URL, which may have a password in it', () => {
    const parse = urlArgument('--postgres', ['postgres:'], 'postgres://host');
    for (const text of ['postgres://u:pa/ss+word==@host:5432/db', 'postgres//u:ss+word@host']) {
      expect(() => parse(text)).toThrow(/^--postgres: expected a URL such as postgres:\/\/host$/);
    }
  });
});
