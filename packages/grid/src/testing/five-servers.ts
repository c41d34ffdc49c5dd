import { Lab } from '@holdfast/lab';
import { afterAll, beforeAll } from 'vitest';
import { type LabClient, type LabClientOptions, openLabClient } from './lab-client.js';
import { StoredFiles } from './stored-files.js';

/** Five real storage servers, a client of them in the test's own process, and what it stores there. */
export interface FiveServers {
  readonly lab: Lab;
  readonly client: LabClient;
  readonly storedFiles: StoredFiles;
}

/** Gives the tests of a file the same five servers. `take` is told them before the first test. */
export function withFiveServers(options: LabClientOptions, take: (opened: FiveServers) => void): void {
  let lab: Lab | undefined;
  let client: LabClient | undefined;
  beforeAll(async () => {
    lab = await Lab.up({ storage: 5, brokers: 0 });
    client = await openLabClient(lab, options);
    take({ lab, client, storedFiles: new StoredFiles(lab, client) });
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });
}
