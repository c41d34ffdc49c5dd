import type pg from 'pg';

/** The most milliseconds that a timer takes: pg takes 0 for the connection's own timeout. */
const longestTimer = 2 ** 31 - 1;

/** Runs a statement, however long that takes. */
export type PatientQuery = <Row extends pg.QueryResultRow = pg.QueryResultRow>(
  text: string,
  values?: unknown[],
) => Promise<pg.QueryResult<Row>>;

/**
 * Lifts the limits that a pool sets on how long a statement may take: that of the server until the transaction ends, and
 * that of the client for what is asked through the result. For the work of a start: with very many rows it takes longer
 * than any request may wait, and if it were cut off it would be cut off at every start.
 *
 * @param client within a transaction
 */
export async function patientQuery(client: pg.ClientBase): Promise<PatientQuery> {
  await client.query('set local statement_timeout = 0');
  return (text, values) =>
    client.query({
      text,
      // Without parameters Postgres takes several statements at once.
      ...(values === undefined ? {} : { values }),
      query_timeout: longestTimer,
    } as pg.QueryConfig);
}
