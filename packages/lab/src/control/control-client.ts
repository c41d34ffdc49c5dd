import { LabError } from '../grid/errors.js';

/** Where the process that runs a lab answers, and what it wants to be shown. */
export interface SupervisorAddress {
  readonly url: string;
  readonly token: string;
}

/**
 * Asks the process that runs a lab.
 *
 * @param command `status`, `down`, or `stop` or `start` with a nickname
 * @throws LabError with what it answered, or an Error where nobody answers
 */
export async function askSupervisor(
  { url, token }: SupervisorAddress,
  command: string,
  { nickname, signal }: { nickname?: string; signal?: AbortSignal | undefined } = {},
): Promise<unknown> {
  const query = nickname === undefined ? '' : `?nickname=${encodeURIComponent(nickname)}`;
  const response = await fetch(`${url}/${command}${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.any([AbortSignal.timeout(120_000), ...(signal ? [signal] : [])]),
  });
  const answer = (await response.json()) as { error?: string };
  if (!response.ok) throw new LabError('node-state', answer.error ?? `the lab answered ${response.status}`);
  return answer;
}
