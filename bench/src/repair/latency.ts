import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TemporaryFolder, temporaryFolder } from '@holdfast/lab';

/** Longer than storage servers take to notice. */
const noticed = 1_000;

/** Sets how late storage servers take up what they are asked, in labs that are brought up while this is open. */
export class Latency implements AsyncDisposable {
  private constructor(
    private readonly folder: TemporaryFolder,
    private readonly before: string | undefined,
  ) {}

  static async open(): Promise<Latency> {
    const before = process.env['NODE_OPTIONS'];
    const latency = new Latency(await temporaryFolder('latency'), before);
    await writeFile(latency.file, '0');
    process.env['HOLDFAST_BENCH_LATENCY'] = latency.file;
    process.env['NODE_OPTIONS'] =
      `${before ?? ''} --import ${new URL('late-requests.js', import.meta.url).href}`;
    return latency;
  }

  private get file(): string {
    return join(this.folder.path, 'milliseconds');
  }

  /** Resolves when all storage servers keep to it. */
  async set(milliseconds: number): Promise<void> {
    await writeFile(this.file, String(milliseconds));
    await delay(noticed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    delete process.env['HOLDFAST_BENCH_LATENCY'];
    if (this.before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = this.before;
    await this.folder[Symbol.asyncDispose]();
  }
}
