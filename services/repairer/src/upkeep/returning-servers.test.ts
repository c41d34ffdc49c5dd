import type { ServerStatus } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import { ReturningServers } from './returning-servers.js';

/** A server that comes and goes. */
function oneServer() {
  let now = 0;
  const server = { id: 's1', state: 'connected' as ServerStatus['state'], since: new Date(now) };
  const become = (state: ServerStatus['state']) => {
    now += 1;
    Object.assign(server, { state, since: new Date(now) });
  };
  return { become, returning: new ReturningServers(() => [server]) };
}

describe('a storage server that can be used again', () => {
  it('is noticed once', () => {
    const { become, returning } = oneServer();
    expect([returning.look(), returning.look()]).toEqual([true, false]);
    become('unreachable');
    expect(returning.look()).toBe(false);
    become('connected');
    expect([returning.look(), returning.look()]).toEqual([true, false]);
  });

  it('is told of though somebody asked meanwhile whether one has come back since', () => {
    const { become, returning } = oneServer();
    returning.look();
    become('unreachable');
    expect(returning.since(Date.now() + 1)).toBe(false);
    become('connected');
    expect(returning.since(0)).toBe(true);
    expect([returning.look(), returning.look()]).toEqual([true, false]);
  });

  it('is noticed though it went and came back between two looks', () => {
    const { become, returning } = oneServer();
    returning.look();
    become('unreachable');
    become('connected');
    expect([returning.look(), returning.look()]).toEqual([true, false]);
  });
});
