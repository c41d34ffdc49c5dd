import { parseYamlConfiguration } from '@holdfast/common/configuration';
import { describe, expect, it } from 'vitest';
import { connectionsConfiguration } from './connections-configuration.js';

const id = `v0-${'a'.repeat(52)}`;
const secret = 'ksg3vy3vrdfbz7kvxnbfvbwqlwzfz6vt';
const nurl = `pb://${'A'.repeat(43)}@10.0.0.5:7201/${secret}#v=1`;
const furl = `pb://${'a'.repeat(32)}@tcp:10.0.0.5:7201/${secret}`;

const read = (text: string) => parseYamlConfiguration('connections.yaml', text, connectionsConfiguration);
const clause = (announcement: string, more = '') =>
  `servers:\n  ${id}:\n    server_options:\n      announcement:\n        ${announcement}\n${more}`;
const good = `{ nickname: s1, anonymous-storage-NURLs: ["${nurl}"], anonymous-storage-FURL: "${furl}", nonce: x }`;

describe('connections.yaml', () => {
  it.each(['', 'servers: {}', 'servers:', '# nothing but words'])('may name no server: %j', (text) => {
    expect(read(text).servers).toEqual({});
  });

  it('names servers, and may give fields of their announcement that are not used', () => {
    const { servers } = read(clause(good, '    connection_types: { tcp: { handler: tcp } }\n'));
    expect(servers[id]?.server_options.announcement).toMatchObject({
      nickname: 's1',
      'anonymous-storage-NURLs': [nurl],
      'anonymous-storage-FURL': furl,
    });
  });

  it('refuses a handler that does not exist', () => {
    const text = 'connection_types:\n  tcp: { handler: pigeon }\n';
    expect(() => read(text)).toThrow(
      'connections.yaml:2: connection_types.tcp.handler: expected a handler: tcp, socks5, tor, i2p or disabled',
    );
  });

  it('refuses what it does not act on', () => {
    expect(() => read('servrs: {}')).toThrow('connections.yaml:1: servrs: unknown field');
    expect(() => read('connection_types: { onion: { handler: tor } }')).toThrow('connections.yaml:1');
  });

  it('names introducers, or none, or says nothing of them', () => {
    expect(
      read('introducers: { a: { url: "nats://reader@h:4222" }, b: { url: "tls://h" } }').introducers,
    ).toEqual({
      a: { url: 'nats://reader@h:4222' },
      b: { url: 'tls://h' },
    });
    expect(read('introducers: {}').introducers).toEqual({});
    expect(read('introducers:').introducers).toEqual({});
    expect(read('servers: {}').introducers).toBeUndefined();
  });

  it('refuses an introducer that cannot be, and shows no password', () => {
    const refused = (text: string, message: string) => expect(() => read(text)).toThrow(message);
    refused(
      'introducers:\n  a: {}',
      'connections.yaml:2: introducers.a.url: expected a URL such as nats://host:4222',
    );
    refused('introducers: { a: { url: "http://h" } }', 'introducers.a.url: expected a URL');
    refused('introducers: { ../a: { url: "nats://h" } }', 'expected a name of 1 to 40 of letters');
    const withPassword = 'introducers:\n  a:\n    url: nats://reader:hidden@h:4222';
    refused(withPassword, 'connections.yaml:3: introducers.a.url: expected no password here');
    expect(() => read(withPassword)).not.toThrow('hidden');
  });

  it('lets a clause leave out what the server announces', () => {
    expect(read(clause(`{ anonymous-storage-NURLs: ["${nurl}"] }`)).servers[id]).toBeDefined();
  });

  it('refuses a server without an address', () => {
    expect(() => read(clause('{ nickname: s1 }'))).toThrow(
      `connections.yaml:4: servers.${id}.server_options.announcement.anonymous-storage-NURLs`,
    );
  });

  it('refuses an id that is none', () => {
    expect(() => read(clause(good).replace(id, 'v0-abc'))).toThrow(
      'connections.yaml:2: servers.v0-abc: expected a server id: v0-',
    );
  });

  it('says what is wrong with an address without showing its secret', () => {
    const text = clause(good.replace('#v=1', '#v=2'));
    expect(() => read(text)).toThrow('malformed NURL: expected pb://');
    expect(() => read(text)).not.toThrow(secret);
  });
});
