import { describe, expect, it } from 'vitest';
import type { ConnectionTypes } from './connection-types.js';
import { explainNoRoute, type Hint, routesFor } from './routes.js';

const proxy = (port: number) => ({ parameters: { endpoint: { host: '127.0.0.1', port } } });
const types: ConnectionTypes = {
  tcp: { handler: 'tcp' },
  tor: { handler: 'tor', ...proxy(9050) },
  i2p: { handler: 'i2p', ...proxy(4447) },
};
const hint = (transport: Hint['transport'], host: string, port = 1): Hint => ({ transport, host, port });
const handlers = (hints: Hint[], map = types) => routesFor(hints, map).map(({ handler }) => handler.handler);

describe('the ways to a server', () => {
  it('are chosen by the kind of each address, in the order of the addresses', () => {
    const hints = [hint('tor', 'example.org'), hint('tcp', '10.0.0.5'), hint('i2p', 'x.i2p')];
    expect(handlers(hints)).toEqual(['tor', 'tcp', 'i2p']);
  });

  it('lead to a hidden service through its network only, whatever the address calls itself', () => {
    expect(handlers(['x.onion', 'X.ONION.', 'x.i2p'].map((host) => hint('tcp', host, 2)))).toEqual([
      'tor',
      'tor',
      'i2p',
    ]);
    expect(handlers([hint('tcp', 'x.onion')], { tcp: { handler: 'tcp' } })).toEqual([]);
  });

  it('name each place once', () => {
    expect(routesFor([hint('tcp', 'h'), hint('tcp', 'h'), hint('tcp', 'h', 2)], types)).toHaveLength(2);
  });

  it('are none where no handler is allowed, and the reason says what there is and what is allowed', () => {
    const hints = [hint('tor', 'x.onion'), hint('tor', 'y.onion'), hint('i2p', 'x.i2p')];
    const map: ConnectionTypes = { tcp: { handler: 'tcp' }, tor: { handler: 'disabled' } };
    expect(routesFor(hints, map)).toEqual([]);
    expect(explainNoRoute(hints, map)).toBe('it has addresses of type tor, i2p; connection_types allows tcp');
    expect(explainNoRoute(hints, {})).toBe('it has addresses of type tor, i2p; connection_types allows none');
    expect(explainNoRoute([], map)).toBe('it has no address; connection_types allows tcp');
  });
});
