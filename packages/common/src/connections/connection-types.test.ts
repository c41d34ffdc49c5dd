import { describe, expect, it } from 'vitest';
import { parseYamlConfiguration } from '../configuration/index.js';
import { connectionTypes } from './connection-types.js';

const read = (text: string) => parseYamlConfiguration('c.yaml', text, connectionTypes);

describe('a map of connection types', () => {
  it('says for each kind of address how it is reached', () => {
    const text = `
tcp: { handler: disabled }
tor: { handler: socks5, parameters: { endpoint: "unix:/var/lib/tor/socks" } }
i2p: { handler: i2p, parameters: { endpoint: "tcp:[::1]:4447" } }`;
    expect(read(text)).toEqual({
      tcp: { handler: 'disabled' },
      tor: { handler: 'socks5', parameters: { endpoint: { path: '/var/lib/tor/socks' } } },
      i2p: { handler: 'i2p', parameters: { endpoint: { host: '::1', port: 4447 } } },
    });
  });

  it('knows where Tor and I2P usually listen', () => {
    expect(read('tor: { handler: tor }\ni2p: { handler: i2p }')).toEqual({
      tor: { handler: 'tor', parameters: { endpoint: { host: '127.0.0.1', port: 9050 } } },
      i2p: { handler: 'i2p', parameters: { endpoint: { host: '127.0.0.1', port: 4447 } } },
    });
  });

  it.each([
    [
      'tcp: { handler: pigeon }',
      'c.yaml:1: tcp.handler: expected a handler: tcp, socks5, tor, i2p or disabled',
    ],
    ['tcp: {}', 'c.yaml:1: tcp.handler: expected a handler: tcp, socks5, tor, i2p or disabled'],
    ['carrier: { handler: tcp }', 'c.yaml:1: carrier: unknown field'],
    [
      'tor: { handler: tcp }',
      'c.yaml:1: tor.handler: expected a handler that can reach it: socks5, tor, i2p',
    ],
    ['tcp: { handler: socks5 }', 'c.yaml:1: tcp.parameters'],
    ['tcp: { handler: tcp, parameters: {} }', 'c.yaml:1: tcp.parameters: unknown field'],
    ...['unix:socks', 'tcp:localhost', '127.0.0.1:9050', 'tcp:127.0.0.1:0', 'tcp:h:70000'].map((endpoint) => [
      `tcp: { handler: socks5, parameters: { endpoint: "${endpoint}" } }`,
      'c.yaml:1: tcp.parameters.endpoint: expected unix:/path/of/socket or tcp:host:port',
    ]),
  ])('refuses %s', (text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });
});
