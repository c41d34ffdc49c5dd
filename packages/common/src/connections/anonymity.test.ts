import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { hostPort, parseYamlConfiguration } from '../configuration/index.js';
import { busSettings, ownBusTypes, refuseRevealing, refuseUnreachableBus } from './anonymity.js';

const schema = z
  .strictObject({
    postgres: z.string().default('postgres://u@127.0.0.1/d'),
    bus: z.string().default('nats://127.0.0.1:4222'),
    operator: z.strictObject({ listen: hostPort }).prefault({ listen: '127.0.0.1:1' }),
    listen: hostPort.prefault('127.0.0.1:2'),
    locations: z.array(hostPort).default([]),
    ...busSettings,
  })
  .superRefine(refuseRevealing)
  .superRefine(refuseUnreachableBus);
const read = (text: string) => parseYamlConfiguration('node.yaml', text, schema);

describe('an anonymous node', () => {
  it.each([
    'postgres: postgres://u@%2Frun%2Fpostgresql/d',
    'postgres: postgres:///d?host=/run/postgresql',
    'postgres: "postgres://u@[::1]/d"',
    'locations: [x.onion:443, y.b32.i2p:443]',
    'bus: nats://bus.onion:4222\nconnection_types: { tor: { handler: tor } }',
    'bus: nats://10.0.0.2:4222\nconnection_types: { tcp: { handler: tor } }',
    'connection_types: { tor: { handler: tor } }',
  ])('starts with %j', (text) => {
    expect(read(`anonymous: true\n${text}`).anonymous).toBe(true);
  });

  it.each([
    [
      'postgres: postgres://u@10.0.0.5/d',
      '2: postgres: an anonymous node needs its Postgres at a Unix socket',
    ],
    ['postgres: postgres://u@localhost/d', '2: postgres: an anonymous node needs'],
    ['postgres: postgres:///d', '2: postgres: an anonymous node needs'],
    ['postgres: postgres://127.0.0.1/d?host=db', '2: postgres: an anonymous node needs'],
    [
      'bus: nats://10.0.0.2:4222',
      '2: bus: an anonymous node reaches a bus on another machine through a proxy only',
    ],
    ['bus: nats://localhost:4222', '2: bus: an anonymous node reaches'],
    [
      'bus: nats://b.onion:1\nconnection_types: { tcp: { handler: tor } }',
      '2: bus: an anonymous node reaches',
    ],
    ['operator: { listen: "localhost:1" }', '2: operator.listen: an anonymous node looks up no name'],
    ['listen: 0.0.0.0:7201', '2: listen: an anonymous node is reached through a hidden service only'],
    [
      'locations: [x.onion:1, 203.0.113.5:1]',
      '2: locations.1: an anonymous node tells of no place but .onion',
    ],
    [
      'connection_types: { tcp: { handler: tcp } }',
      '2: connection_types.tcp: an anonymous node makes direct',
    ],
    [
      'connection_types: { tor: { handler: tor, parameters: { endpoint: "tcp:localhost:9050" } } }',
      '2: connection_types.tor.parameters.endpoint: an anonymous node looks up no name',
    ],
  ])('does not start with %j', (text, reason) => {
    expect(() => read(`anonymous: true\n${text}`)).toThrow(`node.yaml:${reason}`);
    if (!text.includes('connection_types')) expect(read(text).anonymous).toBe(false);
  });

  it('reaches a bus on the same machine directly, unless its map says how', () => {
    const near = { anonymous: true, bus: 'nats://127.0.0.1:4222' };
    const proxy = { handler: 'socks5', parameters: { endpoint: { path: '/socks' } } } as const;
    expect(ownBusTypes(near, undefined)).toEqual({ tcp: { handler: 'tcp' } });
    expect(ownBusTypes(near, { tcp: proxy })).toEqual({ tcp: proxy });
    expect(ownBusTypes({ ...near, bus: 'nats://10.0.0.2:4222' }, undefined)).toEqual({});
  });
});
