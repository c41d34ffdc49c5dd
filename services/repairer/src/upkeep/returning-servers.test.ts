import type { ServerStatus } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import { ReturningServers } from './returning-servers.js';

/** A server that comes and goes. */
function oneServer() {
  const server = { id: 's1', state: 'connected' as ServerStatus['state'] };
  return { server, returning: new ReturningServers(() => [server]) };
}

describe('a storage server that can be used again', () => {
  it('is noticed once', () => {
    const { server, returning } = oneServer();
    expect([returning.look(), returning.look()]).toEqual([true, false]);
    server.state = 'unreachable';
    expect(returning.look()).toBe(false);
    server.state = 'connected';
    expect([returning.look(), returning.look()]).toEqual([true, false]);
  });

  it('is told of though somebody asked meanwhile whether one has come back since', () => {
    const { server, returning } = oneServer();
    returning.look();
    server.state = 'unreachable';
    expect(returning.since(Date.now() + 1)).toBe(false);
    server.state = 'connected';
    expect(returning.since(0)).toBe(true);
    expect([returning.look(), returning.look()]).toEqual([true, false]);
  });
});
