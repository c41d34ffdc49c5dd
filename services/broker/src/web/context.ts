import type { Logger } from '@holdfast/common/logging';
import type { Grid } from '@holdfast/grid';
import type { Slots } from './slots.js';

/** What the routes of the web API work with. */
export interface WebContext {
  readonly grid: Pick<Grid, 'upload' | 'open'>;
  readonly logger: Logger;
  readonly uploads: Slots;
  readonly downloads: Slots;
  /** Most bytes of one uploaded file. */
  readonly mostUploaded: number;
  /** Milliseconds that a client may neither send nor take while we wait for it. */
  readonly patience: number;
}
