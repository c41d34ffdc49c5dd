import { describe, expect, it, vi } from 'vitest';
import { AccountTurns } from './account-turns.js';

/** Work that says when it began, and goes on until it is told to end. */
function pieces(turns: AccountTurns) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const submit = (account: number, name: string) =>
    turns.during(account, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, submit, end };
}

describe('the turns of accounts', () => {
  it('let one thing of an account go on at a time, and of only so many accounts', async () => {
    const { begun, submit, end } = pieces(new AccountTurns(2));
    const all = [submit(1, 'a1'), submit(1, 'a2'), submit(2, 'b1'), submit(3, 'c1')];
    expect(begun).toEqual(['a1', 'b1']);
    await end('b1');
    expect(begun).toEqual(['a1', 'b1', 'c1']);
    await end('c1');
    expect(begun).toEqual(['a1', 'b1', 'c1']);
    await end('a1');
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2']);
    await end('a2');
    await Promise.all(all);
  });

  it('go round, however much one account asks for', async () => {
    const { begun, submit, end } = pieces(new AccountTurns(1));
    const all = ['a1', 'a2', 'a3', 'a4'].map((name) => submit(1, name));
    all.push(submit(2, 'b1'), submit(2, 'b2'), submit(3, 'c1'));
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']) await end(name);
    await Promise.all(all);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('come also after something that failed', async () => {
    const turns = new AccountTurns(1);
    const failing = turns.during(1, () => Promise.reject(new Error('no')));
    const next = turns.during(1, async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
  });

  it('send away who has waited ten seconds, and take who comes then', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    try {
      const turns = new AccountTurns(1);
      const { submit, end } = pieces(turns);
      const first = submit(1, 'first');
      const late = submit(1, 'late');
      now.mockReturnValue(10_001);
      const fresh = turns.during(1, async () => 'done');
      await Promise.all([end('first'), first, expect(late).rejects.toMatchObject({ code: 'server-busy' })]);
      expect(await fresh).toBe('done');
    } finally {
      now.mockRestore();
    }
  });
});
