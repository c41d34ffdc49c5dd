import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isDatabaseDown } from './database-errors.js';

const errorOf = async (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error);

describe('an error of a query', () => {
  it('means that Postgres is away where its Unix socket is not there', async () => {
    const connecting = new Promise((resolve, reject) => {
      connect('/nonexistent/.s.PGSQL.5432').once('error', reject).once('connect', resolve);
    });
    const error = await errorOf(connecting);
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(isDatabaseDown(error)).toBe(true);
  });

  it('means nothing of the kind where a file is not there', async () => {
    const error = await errorOf(readFile('/nonexistent/share'));
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(isDatabaseDown(error)).toBe(false);
  });

  it.each([
    ['57014', 'a statement that took too long'],
    ['55P03', 'a lock that somebody keeps'],
    ['53100', 'a full disk of Postgres'],
    ['53200', 'no memory left'],
    ['40P01', 'a deadlock'],
  ])('means "not now" where it is %s: %s', (code) => {
    expect(isDatabaseDown(Object.assign(new Error('no'), { code }))).toBe(true);
  });

  it.each(['22008', '23505', '42601'])('means that the question was wrong where it is %s', (code) => {
    expect(isDatabaseDown(Object.assign(new Error('no'), { code }))).toBe(false);
  });
});
