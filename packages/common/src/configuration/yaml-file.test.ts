import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ConfigurationError } from './errors.js';
import { nodeSettings } from './node-settings.js';
import { byteSize, duration } from './values.js';
import { parseYamlConfiguration, readYamlConfiguration } from './yaml-file.js';

const schema = z.strictObject({
  ...nodeSettings,
  service: z.literal('storage'),
  shares: z.strictObject({ path: z.string(), reserved_space: byteSize }),
  leases: z.strictObject({ duration }),
});

const good = `service: storage
nickname: s1
grid: lab
postgres: postgres://holdfast@127.0.0.1:5432/grid
bus: nats://127.0.0.1:4222
operator: { listen: "127.0.0.1:7101" }
shares:
  path: shares
  reserved_space: 1.5GB
leases: { duration: 31d }
`;

function refusal(text: string): ConfigurationError {
  try {
    parseYamlConfiguration('node.yaml', text, schema);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('a configuration file', () => {
  it('is read into checked values', () => {
    const value = parseYamlConfiguration('node.yaml', good, schema);
    expect(value.operator.listen).toEqual({ host: '127.0.0.1', port: 7101 });
    expect(value.shares.reserved_space).toBe(1_500_000_000);
    expect(value.leases.duration).toBe(31 * 86_400_000);
    expect(value.log.level).toBe('info');
  });

  it('is refused for a misspelt field, with its line and path', () => {
    const error = refusal(good.replace('reserved_space', 'reserved_spaec'));
    expect(error.message).toBe(
      'node.yaml:9: shares.reserved_spaec: unknown field; missing here: reserved_space',
    );
  });

  it('is refused for a value that does not fit, with line, path, expectation and what was found', () => {
    expect(refusal(good.replace('1.5GB', 'plenty')).message).toBe(
      'node.yaml:9: shares.reserved_space: expected a size such as 100GB, found "plenty"',
    );
    expect(refusal(good.replace('"127.0.0.1:7101"', '7101')).message).toMatch(
      /^node\.yaml:6: operator\.listen: expected HOST:PORT, found 7101$/,
    );
  });

  it.each([
    ['postgres', 'postgres://u:pa/ss+word==@host:5432/db'],
    ['postgres', 'postgres//u:pa/ss+word==@host'],
    ['postgres', '[postgres://u:pa/ss+word==@host]'],
    ['postgres', '{ url: "postgres://u:pa/ss+word==@host" }'],
    ['bus', 'nats//u:ss+word@h'],
    ['bus', 'https://u:ss+word@h'],
    ['service', '"nats//u:ss+word@h"'],
    ['shares', 'nats//u:ss+word@h'],
    ['shares', '[nats//u:ss+word@h]'],
  ])('is refused where %s is %s, without a password in the error', (field, written) => {
    const rest = good.replace(/^shares:\n( {2}.*\n)+/m, field === 'shares' ? '' : '$&');
    const { message } = refusal(
      field === 'shares'
        ? `${rest}shares: ${written}\n`
        : rest.replace(new RegExp(`^${field}: .*`, 'm'), `${field}: ${written}`),
    );
    expect(message).toMatch(new RegExp(`^node\\.yaml:\\d+: ${field}: .*expected `));
    expect(message).not.toContain('ss+word');
  });

  it('says of a URL what was expected', () => {
    const expected = 'bus: expected a URL such as nats://host:4222';
    expect(refusal(good.replace('nats://127.0.0.1:4222', 'localhost')).message).toBe(
      `node.yaml:5: ${expected}`,
    );
    expect(refusal(good.replace('bus:', 'but:').replace('postgres://holdfast', 'postgres//')).message).toBe(
      'node.yaml:5: but: unknown field; missing here: bus',
    );
    expect(refusal(good.replace(/^bus: .*\n/m, '')).message).toMatch(`${expected}, found nothing`);
  });

  it('is refused for a field that is missing, at the line of what should hold it', () => {
    const error = refusal(good.replace('  path: shares\n', ''));
    expect(error).toMatchObject({ field: 'shares.path', line: 7 });
    expect(error.message).toContain('found nothing');
  });

  it('is refused for another service’s name', () => {
    expect(refusal(good.replace('service: storage', 'service: broker'))).toMatchObject({
      field: 'service',
      line: 1,
    });
  });

  it('is refused for a field that stands twice', () => {
    expect(refusal(`${good}nickname: s2\n`)).toMatchObject({ line: 11 });
  });

  it('is refused for text that is not YAML, at its line', () => {
    expect(refusal(`${good}what: [1, 2\n`).line).toBeGreaterThanOrEqual(11);
  });

  it('is refused when its aliases multiply', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
    );
    const error = refusal(`l0: &l0 x\n${levels.join('\n')}\n`);
    expect(error.message).toMatch(/alias/i);
    expect(error.line).toBe(2);
  });

  it('is refused when it is nested without end', () => {
    expect(refusal(`a: ${'['.repeat(100_000)}`)).toBeInstanceOf(ConfigurationError);
  });

  it('is refused when it is larger than it can be meant to be', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-yaml-'));
    try {
      const path = join(folder, 'node.yaml');
      await writeFile(path, `${good}# ${'x'.repeat(4 * 2 ** 20)}\n`);
      await expect(readYamlConfiguration(path, schema)).rejects.toThrow(
        `${path}: expected at most 4 MiB, found more`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is refused where there is none', async () => {
    await expect(readYamlConfiguration('/nowhere/node.yaml', schema)).rejects.toThrow(
      '/nowhere/node.yaml: there is no such file',
    );
  });
});
