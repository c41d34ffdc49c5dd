import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { request } from 'undici';
import { brokerResource } from './broker-url.js';
import { BrokerError } from './errors.js';
import { showProgress } from './progress.js';

// A broker answers when every share is stored: for a large file on a slow line that is long after the last byte.
const answerMs = 60 * 60_000;

/**
 * Stores a file by a broker, streaming.
 *
 * @param file a path, or `-` for standard input
 * @returns its capability
 * @throws BrokerError, or the system's error where the file cannot be read
 */
export async function storeFile(broker: string, file: string): Promise<string> {
  const { source, size } = await openSource(file);
  const { counter, end } = showProgress('storing', size);
  let unreadable: Error | undefined;
  source.on('error', (error) => {
    unreadable = error;
    counter.destroy(error);
  });
  try {
    const response = await request(brokerResource(broker, 'uri'), {
      method: 'PUT',
      headers: size === undefined ? {} : { 'content-length': String(size) },
      body: source.pipe(counter),
      headersTimeout: answerMs,
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw BrokerError.fromAnswer(response.statusCode, text);
    return text.trim();
  } catch (error) {
    throw unreadable ?? BrokerError.fromTransport(broker, error);
  } finally {
    source.destroy();
    end();
  }
}

async function openSource(file: string): Promise<{ source: Readable; size: number | undefined }> {
  if (file === '-') return { source: process.stdin, size: undefined };
  const facts = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error(`${file}: there is no such file`) : error;
  });
  if (facts.isDirectory()) throw new Error(`${file} is a folder; expected a file`);
  return {
    source: createReadStream(file, { highWaterMark: 1 << 18 }),
    size: facts.isFile() ? facts.size : undefined,
  };
}
