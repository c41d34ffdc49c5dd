import { Lab } from '@holdfast/lab';
import { afterAll, beforeAll } from 'vitest';
import { type LabClient, type LabClientOptions, openLabClient } from './lab-client.js';
import { StoredFiles } from './stored-files.js';

/** Gives the tests of a file the same five real storage servers, and a client of them in the test's own process. */
export function fiveServers(options: LabClientOptions) {
  let lab: Lab;
  let client: LabClient;
  let storedFiles: StoredFiles;
  beforeAll(async () => {
    lab = await Lab.up({ storage: 5, brokers: 0 });
    client = await openLabClient(lab, options);
    storedFiles = new StoredFiles(lab, client);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });
  return {
    get lab() {
      return lab;
    },
    get client() {
      return client;
    },
    /** What the client stores there. */
    get storedFiles() {
      return storedFiles;
    },
  };
}
