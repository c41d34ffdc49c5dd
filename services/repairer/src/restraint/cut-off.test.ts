import type { ServerStatus } from '@holdfast/grid';
import { describe, expect, it } from 'vitest';
import { CutOffPause } from './cut-off.js';

/** Servers as this repairer sees them, named by their place in the list. */
function seeing(...states: ServerStatus['state'][]) {
  return () => states.map((state, place) => ({ id: `s${place}`, state }));
}

describe('a repairer that does not reach most of the servers which others reach', () => {
  it('begins nothing', () => {
    const { reason } = new CutOffPause(seeing('connected', 'unreachable', 'unreachable'), () => true);
    expect(reason).toBe('cut off from most storage servers');
  });

  it.each([
    ['half of them are away', seeing('connected', 'connected', 'unreachable', 'unreachable'), () => true],
    ['nobody else reaches them either', seeing('connected', 'unreachable', 'unreachable'), is('s0')],
    ['there are only two', seeing('unreachable', 'unreachable'), () => true],
    ['it was never told of the others', seeing('connected', 'connected', 'connected'), () => true],
  ])('goes on where %s', (_why, statuses, reachedByAny) => {
    expect(new CutOffPause(statuses, reachedByAny).reason).toBeUndefined();
  });
});

function is(one: string): (id: string) => boolean {
  return (id) => id === one;
}
