import type { Question, Subject } from '@holdfast/common/bus';
import * as z from 'zod';

const busAccess = z.strictObject({
  /** With user and password, where the bus asks for them. */
  url: z.string(),
  ca: z.string().optional(),
});

const shares = z.strictObject({ required: z.int(), happy: z.int(), total: z.int() });

/** What an invited node is told: all of its grid that is not its own choice. */
export const invitationSettings = z.discriminatedUnion('kind', [
  /** A node of the operator's, which uses the bus as nodes of its role do. */
  z.strictObject({
    kind: z.literal('node'),
    role: z.enum(['storage', 'broker', 'repairer']),
    grid: z.string(),
    /** With user and password, where the bus asks for them. */
    bus: z.string(),
    busCa: z.string().optional(),
    /** Those that the node names whose like it is; how each is reached is the new node's own matter. */
    introducers: z.record(z.string(), busAccess).optional(),
    /** Of a broker or a repairer: public keys of grid managers. */
    gridManagers: z.record(z.string(), z.string()).optional(),
    /** Of a broker. */
    shares: shares.optional(),
  }),
  /** A customer's broker: the servers with the account's credentials, and no bus. */
  z.strictObject({
    kind: z.literal('customer'),
    role: z.literal('broker'),
    grid: z.string(),
    connections: z.string(),
  }),
]);

export type InvitationSettings = z.infer<typeof invitationSettings>;

/** An invitation in a file: all of it, for whoever can read the file. */
export const invitationFile = z.strictObject({
  holdfast_invitation: z.literal(1),
  expires: z.iso.datetime({ offset: true }),
  settings: invitationSettings,
});

/** What the invited says of itself, sealed. */
export const joinRequest = z.strictObject({ nickname: z.string().max(100), nonce: z.string().max(100) });

const sealed = z.strictObject({ sealed: z.string().max(1_000_000) });
const answer = z.union([sealed, z.strictObject({ refused: z.string().max(200) })]);

/** The question by which an invitation is used; on the bus, whoever listens sees nothing but what is sealed. */
export function joinQuestion(meetingPlace: string): Question<z.infer<typeof sealed>, z.infer<typeof answer>> {
  const subject: Subject<z.infer<typeof sealed>> = {
    name: `holdfast.invitation.${meetingPlace}`,
    schema: sealed,
  };
  return { ...subject, answer };
}
