import { announcementFields } from '@holdfast/common/configuration';
import { anonymousSetting } from '@holdfast/common/connections';
import { parseManagerKey } from '@holdfast/common/grid-management';
import * as z from 'zod';

const managerKeyForm = "expected a grid manager's public key: pub-v0- and 52 base32 characters";
const managerKey = z.string(managerKeyForm).transform((text, context) => {
  const key = parseManagerKey(text);
  if (key) return key;
  context.addIssue({ code: 'custom', message: managerKeyForm, input: text });
  return z.NEVER;
});

/** The fields of `node.yaml` that every node has which uses a grid; each service spreads them into its own schema. */
export const membershipSettings = {
  anonymous: anonymousSetting,
  /**
   * The public keys of grid managers, by names of the operator's choice: only servers that one of them vouches for get
   * new shares. Without any, all do.
   */
  grid_managers: z.record(z.string(), managerKey).default({}),
  announcements: z
    .strictObject({
      ...announcementFields,
      /**
       * Most servers that are believed to be there because one introducer tells of them: whoever can speak on its bus can
       * invent any number. Each has a connection that is kept up, and a row in the database.
       */
      most_servers: z.number().int().min(1).max(1_000_000).default(2_000),
    })
    .prefault({}),
};

const fields = z.object(membershipSettings);

/** What of a `node.yaml` says who is in the grid, and how each is reached. */
export interface MembershipConfiguration extends z.infer<typeof fields> {
  readonly nickname: string;
  readonly grid: string;
  readonly bus: string;
}
