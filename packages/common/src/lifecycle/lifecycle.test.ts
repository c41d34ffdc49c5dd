import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logging/index.js';
import { Lifecycle } from './lifecycle.js';

describe('a lifecycle', () => {
  it('stops its parts in the opposite order, each after the one before it', async () => {
    const lifecycle = new Lifecycle(silentLogger());
    const events: string[] = [];
    for (const name of ['bus', 'database', 'server']) {
      lifecycle.add(name, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        events.push(name);
      });
    }
    await lifecycle.stop();
    expect(events).toEqual(['server', 'database', 'bus']);
  });

  it('goes on when a part fails to stop', async () => {
    const lifecycle = new Lifecycle(silentLogger());
    let stopped = false;
    lifecycle.add('first', () => {
      stopped = true;
    });
    lifecycle.add('second', () => {
      throw new Error('stuck');
    });
    await lifecycle.stop();
    expect(stopped).toBe(true);
  });

  it('stops each part once, and what is added while it stops too', async () => {
    const lifecycle = new Lifecycle(silentLogger());
    let stops = 0;
    lifecycle.add('first', () => {
      stops++;
    });
    const first = lifecycle.stop();
    lifecycle.add('late', () => {
      stops++;
    });
    await Promise.all([first, lifecycle.stop()]);
    expect(stops).toBe(2);
    expect(lifecycle.signal.aborted).toBe(true);
  });
});
