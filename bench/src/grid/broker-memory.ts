import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Lab } from '@holdfast/lab';
import { figure, printTable } from '../table.js';
import { seconds } from '../timing.js';
import { Gateway } from './gateway.js';

const size = 2_000_000_000;
const mostMemory = 250_000_000;

/**
 * The broker's largest resident memory while one file of 2 GB is stored and read back.
 *
 * @returns how many limits were passed
 */
export async function measureBrokerMemory(): Promise<number> {
  await using lab = await Lab.up({ storage: 5, shares: { required: 3, happy: 5, total: 10 } });
  await using gateway = new Gateway('Holdfast', lab.broker);
  const pid = lab.status().processes.find(({ role }) => role === 'broker')?.pid;
  let capability = '';
  const put = await seconds(async () => {
    capability = await gateway.put(content());
  });
  const afterPut = await peakMemory(pid);
  const get = await seconds(() => gateway.get(capability));
  const afterGet = await peakMemory(pid);
  printTable('One file of 2 GB: the broker’s peak resident memory', [
    ['', 'MB/s', 'peak memory', 'limit'],
    ['PUT', figure(size / 1e6 / put), `${figure(afterPut / 1e6)} MB`, `${figure(mostMemory / 1e6)} MB`],
    [
      'PUT, then GET',
      figure(size / 1e6 / get),
      `${figure(afterGet / 1e6)} MB`,
      `${figure(mostMemory / 1e6)} MB`,
    ],
  ]);
  return afterGet > mostMemory ? 1 : 0;
}

async function* content(): AsyncGenerator<Uint8Array> {
  const chunk = randomBytes(1_000_000);
  for (let at = 0; at < size; at += chunk.length) {
    chunk.writeUInt32BE(at / chunk.length);
    yield Buffer.from(chunk);
  }
}

/** The largest resident memory that a process ever had, in bytes. Linux only. */
async function peakMemory(pid: number | null | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(kilobytes) * 1024;
}
