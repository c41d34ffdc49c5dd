import type { Database } from '@holdfast/common/database';

/** The claim on a file of the spool folder ran out, and another repairer may have it by now. */
export class SpoolClaimLostError extends Error {
  override readonly name = 'SpoolClaimLostError';
  readonly code = 'spool-claim-lost';

  constructor() {
    super('the claim on a file of the spool folder was lost');
  }
}

/** The right of one repairer to do something with a file of the spool folder, for as long as it goes on extending it. */
export interface SpoolClaim {
  /**
   * To be called before each step, none of which may take longer than a claim lasts.
   *
   * @throws SpoolClaimLostError
   */
  extend(): Promise<void>;
}

/** A file of a grid's spool folder, and who wants to do something with it. */
export interface ClaimOptions {
  readonly database: Database;
  readonly grid: string;
  /** Milliseconds that a claim lasts where it is not extended. */
  readonly claimFor: number;
}

/**
 * Does something with a file of the spool folder while no other repairer does. That is written down, and no transaction
 * is open meanwhile; what a repairer leaves claimed that is killed, another has when the claim runs out.
 *
 * @returns false where another does something with it now
 * @throws SpoolClaimLostError, or what `work` throws
 */
export async function withSpoolFile(
  { database: { pool }, grid, claimFor }: ClaimOptions,
  name: string,
  work: (claim: SpoolClaim) => Promise<void>,
): Promise<boolean> {
  const { rows } = await pool.query<{ claim: string }>(
    `insert into repairer.spool_claims as held (grid, name, claim_until)
     values ($1, $2, now() + $3 * interval '1 millisecond')
     on conflict (grid, name) do update set claim = excluded.claim, claim_until = excluded.claim_until
       where held.claim_until < now()
     returning claim`,
    [grid, name, claimFor],
  );
  const claim = rows[0]?.claim;
  if (claim === undefined) return false;
  const extend = async () => {
    const { rowCount } = await pool.query(
      `update repairer.spool_claims set claim_until = now() + $4 * interval '1 millisecond'
        where grid = $1 and name = $2 and claim = $3`,
      [grid, name, claim, claimFor],
    );
    if (rowCount === 0) throw new SpoolClaimLostError();
  };
  try {
    await work({ extend });
  } finally {
    // Where Postgres is away now the claim runs out by itself.
    await pool
      .query(`delete from repairer.spool_claims where grid = $1 and name = $2 and claim = $3`, [
        grid,
        name,
        claim,
      ])
      .catch(() => undefined);
  }
  return true;
}
