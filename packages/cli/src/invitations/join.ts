import { randomBytes } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Bus, BusUnavailableError } from '@holdfast/common/bus';
import { NodeFolderExistsError } from '@holdfast/common/configuration';
import { silentLogger } from '@holdfast/common/logging';
import { InvitationCode, InvitationError } from './code.js';
import { type InvitationSettings, invitationFile, invitationSettings, joinQuestion } from './settings.js';

const patience = 20_000;

/**
 * Uses an invitation. The folder must not be there yet, so that a mistake does not use it up.
 *
 * @param codeOrFile what `invite` printed, or the file that it wrote
 * @throws InvitationError, NodeFolderExistsError
 */
export async function useInvitation(
  codeOrFile: string,
  { dir, nickname }: { dir: string; nickname: string },
): Promise<InvitationSettings> {
  if (await exists(dir)) throw new NodeFolderExistsError(dir);
  return /^(nats|tls):/i.test(codeOrFile)
    ? useCode(InvitationCode.parse(codeOrFile), nickname)
    : readInvitation(codeOrFile);
}

/** The bus need not be trusted for this, nor the other users of it: all that is said is sealed by the code. */
async function useCode(code: InvitationCode, nickname: string): Promise<InvitationSettings> {
  const url = new URL(code.bus);
  url.username = url.password = 'invitee';
  const bus = new Bus({
    url: url.toString(),
    untrusted: true,
    name: 'holdfast join',
    logger: silentLogger(),
  });
  const nonce = randomBytes(16).toString('base64');
  try {
    const answer = await askInTime(bus, code, code.seal('request', { nickname, nonce }));
    if ('refused' in answer) throw new InvitationError('refused', answer.refused);
    return invitationSettings.parse(code.open('answer', answer.sealed, nonce));
  } finally {
    await bus.close();
  }
}

async function askInTime(bus: Bus, code: InvitationCode, sealed: string) {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      return await bus.ask(joinQuestion(code.meetingPlace), { sealed });
    } catch (error) {
      // Only where nobody can have heard the question is it asked again: the code is good once.
      const unheard = error instanceof BusUnavailableError && error.reason !== 'no answer in time';
      if (!unheard) throw error;
      if (Date.now() > deadline) {
        const reason = bus.connected ? 'nobody waits for this code' : 'the bus cannot be reached';
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

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
