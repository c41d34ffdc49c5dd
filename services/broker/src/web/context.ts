import type { Capacity } from '@holdfast/common/capacity';
import type { Logger } from '@holdfast/common/logging';
import type { Grid } from '@holdfast/grid';
import type { Repairers } from '../repairs/repairers.js';
import type { Nicknames } from './nicknames.js';
import type { SendingPace } from './sending-pace.js';

/** What the routes of the web API work with. */
export interface WebContext {
  readonly grid: Pick<Grid, 'upload' | 'open' | 'check' | 'repair'>;
  readonly repairers: Pick<Repairers, 'add' | 'status'>;
  readonly logger: Logger;
  /** How many uploads and downloads may be at work at once. */
  readonly uploads: Capacity;
  readonly downloads: Capacity;
  /** Who is given up for sending too slowly. */
  readonly senders: SendingPace;
  /** What the servers are called: one look at them, for all the names of a page. */
  readonly nicknames: () => Nicknames;
  /** Most bytes of one uploaded file. */
  readonly mostUploaded: number;
  /** Milliseconds that a client may neither send nor take while we wait for it. */
  readonly patience: number;
}
