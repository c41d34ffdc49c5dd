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
});
