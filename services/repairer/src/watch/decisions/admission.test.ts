import { describe, expect, it } from 'vitest';
import { jobsToAdmit } from './admission.js';

describe('jobs of the watch', () => {
  it('fill the queue up to what may wait', () => {
    expect(jobsToAdmit({ suspected: false, backlog: 1000, waiting: 400 })).toBe(600);
    expect(jobsToAdmit({ suspected: false, backlog: 1000, waiting: 1200 })).toBe(0);
  });

  it('are held back while the network is suspected', () => {
    expect(jobsToAdmit({ suspected: true, backlog: 1000, waiting: 0 })).toBe(0);
  });
});
