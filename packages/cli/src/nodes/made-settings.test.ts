import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as broker from '@holdfast/broker';
import { parseYamlConfiguration } from '@holdfast/common/configuration';
import { temporaryFolder } from '@holdfast/lab';
import * as repairer from '@holdfast/repairer';
import * as storage from '@holdfast/storage';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

const options = {
  nickname: 'n',
  grid: 'g',
  postgres: 'postgres://db/n',
  bus: 'nats://bus:4222',
  operator: '127.0.0.1:7101',
};
const listen = '127.0.0.1:7201';

/** What a `node.yaml` must say; all else has a default. */
const required = ['service', 'nickname', 'grid', 'postgres', 'bus', 'operator', 'listen', 'locations'];

describe('the settings that init writes down are those that hold where nothing is written', () => {
  it.each([
    ['broker', (dir: string) => broker.initialise(dir, { ...options, listen }), broker.nodeConfiguration],
    [
      'storage',
      (dir: string) => storage.initialise(dir, { ...options, listen, locations: [listen] }),
      storage.nodeConfiguration,
    ],
    ['repairer', (dir: string) => repairer.initialise(dir, options), repairer.nodeConfiguration],
  ])('of a %s', async (_role, initialise, schema) => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'node');
    await initialise(dir);
    const text = await readFile(join(dir, 'node.yaml'), 'utf8');
    const made = Object.entries(parse(text) as object);
    const needed = stringify(Object.fromEntries(made.filter(([field]) => required.includes(field))));
    expect(made.length).toBeGreaterThan(required.length - 2);
    expect(parseYamlConfiguration<unknown>('made', text, schema)).toEqual(
      parseYamlConfiguration<unknown>('needed', needed, schema),
    );
  });
});
