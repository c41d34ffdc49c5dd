import { describe, expect, it } from 'vitest';
import { TransferMemory, takeMemory, takeOpeningMemory } from './transfer-memory.js';

const how = { what: 'reading a file', signal: undefined };
const held = ({ receiving, opening, working }: TransferMemory) => [
  receiving.taken,
  opening.taken,
  working.taken,
];

describe('the memory of transfers', () => {
  it('has an eighth for bodies, an eighth for opening, and the rest to work in', () => {
    const { receiving, opening, working } = new TransferMemory(805);
    expect([receiving.size, opening.size, working.size]).toEqual([100, 100, 605]);
  });

  it('has a quarter for opening where no file comes in', async () => {
    const memory = new TransferMemory(800, { receives: false });
    expect([memory.receiving.size, memory.opening.size, memory.working.size]).toEqual([0, 200, 600]);
    await expect(takeOpeningMemory(memory, 201, how)).rejects.toMatchObject({ available: 200 });
  });

  it('lets nobody who opens a file wait for bodies', async () => {
    const memory = new TransferMemory(800);
    await takeMemory(memory.receiving, 100, how);
    const opening = await takeOpeningMemory(memory, 100, how);
    expect(held(memory)).toEqual([100, 100, 0]);
    opening.release();
    expect(held(memory)).toEqual([100, 0, 0]);
  });

  it('opens a file that needs more than all that is for that, with what is for bodies', async () => {
    const memory = new TransferMemory(800);
    const opening = await takeOpeningMemory(memory, 200, how);
    expect(held(memory)).toEqual([100, 100, 0]);
    opening.release();
    expect(held(memory)).toEqual([0, 0, 0]);
    await expect(takeOpeningMemory(memory, 201, how)).rejects.toMatchObject({
      code: 'not-enough-memory',
      available: 200,
    });
  });

  it('gives back what a huge file had of bodies when it waits for the rest in vain', async () => {
    const memory = new TransferMemory(800, { longestWait: 10 });
    const opening = await takeOpeningMemory(memory, 50, how);
    await expect(takeOpeningMemory(memory, 150, how)).rejects.toMatchObject({ code: 'overloaded' });
    expect(held(memory)).toEqual([0, 50, 0]);
    opening.release();
  });
});
