import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bus, BusUnavailableError } from '@holdfast/common/bus';
import { NodeFolderExistsError } from '@holdfast/common/configuration';
import { type ConnectionTypes, canReachBus, ownBusTypes } from '@holdfast/common/connections';
import { exists } from '@holdfast/common/files';
import { silentLogger } from '@holdfast/common/logging';
import { InvitationCode, InvitationError } from './code.js';
import { type InvitationSettings, invitationFile, invitationSettings, joinQuestion } from './settings.js';

const patience = 20_000;
/** Circuits are built slowly. */
const proxiedPatience = 90_000;

/** Who is invited, and how it may reach the inviter. */
export interface Invited {
  readonly nickname: string;
  /** Whether no direct connection may be made. */
  readonly anonymous: boolean;
  /** Directly where not given. */
  readonly connectionTypes: ConnectionTypes | undefined;
}

/**
 * Uses an invitation. The folder must not be there yet, so that a mistake does not use it up.
 *
 * @param codeOrFile what `invite` printed, or the file that it wrote
 * @throws InvitationError, NodeFolderExistsError
 */
export async function useInvitation(
  codeOrFile: string,
  { dir, ...invited }: Invited & { dir: string },
): Promise<InvitationSettings> {
  if (await exists(dir)) throw new NodeFolderExistsError(dir);
  // A code is good once: what is learned by it must have a place.
  const parent = dirname(resolve(dir));
  await mkdir(parent, { recursive: true });
  await access(parent, constants.W_OK);
  return /^(nats|tls):/i.test(codeOrFile)
    ? useCode(InvitationCode.parse(codeOrFile), invited)
    : readInvitation(codeOrFile);
}

/** The bus need not be trusted for this, nor the other users of it: all that is said is sealed by the code. */
async function useCode(code: InvitationCode, invited: Invited): Promise<InvitationSettings> {
  const { nickname, anonymous } = invited;
  const connectionTypes = ownBusTypes({ anonymous, bus: code.bus }, invited.connectionTypes);
  if (!canReachBus(code.bus, connectionTypes))
    throw new InvitationError(
      'no-way',
      `${new URL(code.bus).host}: no connection to it is allowed: name a --proxy`,
    );
  const url = new URL(code.bus);
  url.username = url.password = 'invitee';
  const bus = new Bus({
    url: url.toString(),
    connectionTypes,
    untrusted: true,
    name: 'holdfast join',
    logger: silentLogger(),
  });
  const nonce = randomBytes(16).toString('base64');
  try {
    const answer = await askInTime(bus, code, {
      sealed: code.seal('request', { nickname, nonce }),
      until: Date.now() + (invited.connectionTypes === undefined ? patience : proxiedPatience),
    });
    if ('refused' in answer) throw new InvitationError('refused', answer.refused);
    return invitationSettings.parse(code.open('answer', answer.sealed, nonce));
  } finally {
    await bus.close();
  }
}

async function askInTime(
  bus: Bus,
  code: InvitationCode,
  { sealed, until }: { sealed: string; until: number },
) {
  for (;;) {
    try {
      return await bus.ask(joinQuestion(code.meetingPlace), { sealed });
    } catch (error) {
      // Only where nobody can have heard the question is it asked again: the code is good once.
      const unheard = error instanceof BusUnavailableError && error.reason !== 'no answer in time';
      if (!unheard) throw error;
      if (Date.now() > until) {
        const problem = bus.problem === undefined ? '' : ` (${bus.problem})`;
        const reason = bus.connected ? 'nobody waits for this code' : `the bus cannot be reached${problem}`;
        throw new InvitationError('unanswered', `${reason}: \`invite\` must still run, and be given time`, {
          cause: error,
        });
      }
    }
    await delay(200);
  }
}

async function readInvitation(file: string): Promise<InvitationSettings> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'it is not JSON';
    throw new InvitationError('malformed', `${file}: expected an invitation (${reason})`);
  }
  const { success, data } = invitationFile.safeParse(value);
  if (!success) throw new InvitationError('malformed', `${file}: expected an invitation`);
  if (Date.parse(data.expires) <= Date.now())
    throw new InvitationError('expired', `${file}: it ended at ${data.expires}`);
  return data.settings;
}
