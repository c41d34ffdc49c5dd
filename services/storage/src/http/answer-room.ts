import { Room } from '../room.js';
import { type Exchange, taken } from './exchange.js';
import { smallMessage } from './message-body.js';

/** For all answers that are not small, until clients have taken them. */
const answers = new Room(64 * 1024 * 1024);

/**
 * Answers with data from memory, where there is room for it: at once where it is little, and else when the answers of
 * others have gone. Not at all where the client is gone by then.
 *
 * @param bytes most that the answer has of data
 */
export async function roomForAnswer(
  { request, response }: Pick<Exchange, 'request' | 'response'>,
  bytes: number,
  answer: () => Promise<void>,
): Promise<void> {
  if (bytes <= smallMessage) return answer();
  await answers.during(bytes, async () => {
    if (request.socket.destroyed) return;
    await answer();
    // It is in memory until the client has taken it, or has gone.
    await taken({ request, response });
  });
}
