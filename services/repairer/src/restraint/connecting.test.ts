import type { ServerStatus } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import { ConnectingPause } from './connecting.js';

type State = Pick<ServerStatus, 'state'>;
const states = (...all: ServerStatus['state'][]): State[] => all.map((state) => ({ state }));

describe('a repairer that has just started', () => {
  it('begins nothing until every server was tried, and one is connected', () => {
    let seen: State[] = [];
    const pause = new ConnectingPause(() => seen);
    expect(pause.reason).toBe('no storage server connected');
    seen = states('connected', 'connecting');
    expect(pause.reason).toBe('connecting to storage servers');
    seen = states('connected', 'unreachable');
    expect(pause.reason).toBeUndefined();
  });

  it('does not wait for servers that are heard of later', () => {
    let seen = states('connected');
    const pause = new ConnectingPause(() => seen);
    expect(pause.reason).toBeUndefined();
    seen = states('connected', 'connecting');
    expect(pause.reason).toBeUndefined();
  });

  it('begins nothing while all servers are away', () => {
    const pause = new ConnectingPause(() => states('unreachable', 'unreachable'));
    expect(pause.reason).toBe('no storage server connected');
  });
});
