import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { brokerResource } from './broker-url.js';
import { BrokerError } from './errors.js';
import { showProgress } from './progress.js';

/**
 * Reads a file by a broker, streaming.
 *
 * @param openTarget where the bytes go; called once the broker has begun to answer with the file
 * @throws BrokerError, also where the file ends early; or the system's error where the target cannot be written
 */
export async function fetchFile(
  broker: string,
  capability: string,
  openTarget: () => Writable,
): Promise<void> {
  const response = await request(brokerResource(broker, `uri/${encodeURIComponent(capability)}`)).catch(
    (error) => {
      throw BrokerError.fromTransport(broker, error);
    },
  );
  if (response.statusCode !== 200) {
    throw BrokerError.fromAnswer(response.statusCode, await response.body.text());
  }
  const expected = Number(response.headers['content-length'] ?? Number.NaN);
  const { counter, end } = showProgress('reading', Number.isNaN(expected) ? undefined : expected);
  let brokenOff: Error | undefined;
  response.body.on('error', (error) => {
    brokenOff = error;
  });
  try {
    await pipeline(response.body, counter, openTarget());
  } catch (error) {
    throw brokenOff === undefined || brokenOff !== error ? error : BrokerError.fromTransport(broker, error);
  } finally {
    end();
  }
}
