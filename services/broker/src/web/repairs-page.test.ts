import type { RepairStatus } from '@holdfast/common/repairs';
import { describe, expect, it } from 'vitest';
import { repairsJson, repairsPage } from './repairs-page.js';

const status: RepairStatus = {
  jobs: { queued: 7, claimed: 2, waiting: 1, done: 40, failed: 3 },
  delayed: 1,
  postponed: 2,
  spareShares: [{ spare: -1, files: 1 }],
  lastMinute: { repaired: 12 },
  alarm: null,
  watched: [
    { spare: 4, files: 30 },
    { spare: null, files: 5 },
  ],
  paused: null,
  recent: [
    {
      storageIndex: 'abcdefgh',
      result: 'failed',
      error: 's1: <b>refused</b>',
      outcome: null,
      worker: 'r1',
      endedAt: '2026-01-02T03:04:05.000Z',
      milliseconds: 1_500,
    },
  ],
};

describe('the page of repairs', () => {
  it('tells what the queue holds, what was done lately, and why', () => {
    const page = repairsPage(repairsJson(status));
    expect(page).toContain(
      '7 queued (2 put off, as servers that are away may come back), 2 being done, 40 done, 1 waiting for servers, 3 failed',
    );
    expect(page).toContain('1 files in the queue with -1 spare shares');
    expect(page).toContain('<code>abcdefgh…</code> failed by r1: s1: &#60;b&#62;refused&#60;/b&#62;');
    expect(page).not.toContain('<b>refused');
    expect(page).not.toContain('role="alert"');
    expect(page).not.toContain('begins no job');
  });

  it('counts the files under watch', () => {
    const page = repairsPage(repairsJson(status));
    expect(page).toContain('30 files under watch with 4 spare shares');
    expect(page).toContain('5 files under watch whose spare shares are not known yet');
  });

  it('tells until when a repairer begins no job', () => {
    const paused = { repairer: 'r1', reason: 'quiet hours', until: '2026-01-02T03:04:00.000Z' };
    const json = repairsJson({ ...status, paused });
    expect(json.paused?.until).toBe(1_767_323_040);
    expect(repairsPage(json)).toContain('r1 begins no job until 2026-01-02T03:04:00.000Z: quiet hours.');
  });

  it('tells why repairs pause', () => {
    const alarm = { reason: 'servers-away', since: '2026-01-02T03:04:05.000Z' };
    const json = repairsJson({ ...status, alarm });
    expect(json.alarm).toEqual({ reason: 'too many storage servers are away at once', since: 1_767_323_045 });
    expect(repairsPage(json)).toContain('Repairs pause: too many storage servers are away at once.');
  });

  it('tells that repairs pause also where a newer repairer has a reason that is not known here', () => {
    const alarm = { reason: 'moon-full', since: '2026-01-02T03:04:05.000Z' };
    expect(repairsPage(repairsJson({ ...status, alarm }))).toContain(
      'Repairs pause: the network is suspected.',
    );
  });
});
