import { parseYamlConfiguration } from '@holdfast/common/configuration';
import { describe, expect, it } from 'vitest';
import { nodeConfiguration } from './configuration.js';

const least = `service: broker
nickname: b1
grid: lab
postgres: postgres://user@127.0.0.1:5432/b1
bus: nats://127.0.0.1:4222
operator: { listen: "127.0.0.1:7103" }
listen: "127.0.0.1:3456"
`;

const read = (text: string) => parseYamlConfiguration('node.yaml', text, nodeConfiguration);

describe('node.yaml of a broker', () => {
  it('cuts files as the peer does where nothing is said', () => {
    expect(read(least).encoding).toEqual({
      required: 3,
      happy: 7,
      total: 10,
      maximum_segment_size: 1_048_576,
    });
    expect(read(least).spool).toBe('spool');
  });

  it('gives clients up who send less than a kilobyte a second for a minute, where nothing is said', () => {
    expect(read(least).limits).toMatchObject({ slowest: 1_000, patience: 60_000 });
  });

  it.each([
    ['encodng: { total: 10 }', 'node.yaml:8: encodng: unknown field'],
    ['encoding: { required: 11 }', 'node.yaml:8: encoding.required: expected no more than encoding.total'],
    ['encoding: { happy: 11 }', 'node.yaml:8: encoding.happy: expected no more than encoding.total'],
    ['encoding: { total: 257 }', 'node.yaml:8: encoding.total'],
    [
      'grid_managers: { g: priv-v0-a }',
      'node.yaml:8: grid_managers.g: expected a grid manager’s public key'.replace('’', "'"),
    ],
    ['encoding: { required: 0 }', 'node.yaml:8: encoding.required'],
    [
      'encoding: { maximum_segment_size: 1 }',
      'node.yaml:8: encoding.maximum_segment_size: expected 1KiB to 16MiB',
    ],
    ['limits: { uploads: none }', 'node.yaml:8: limits.uploads'],
    ['limits: { slowest: 0 }', 'node.yaml:8: limits.slowest: expected at least 1 byte'],
    ['limits: { patience: 1ms }', 'node.yaml:8: limits.patience: expected at least 100ms'],
    [
      'limits: { memory: 8MiB }',
      'node.yaml:8: limits.memory: expected at least 33MiB, which an upload with this encoding needs',
    ],
    [
      'encoding: { required: 1, total: 256, maximum_segment_size: 16MiB }',
      'node.yaml: limits.memory: expected at least 11029MiB, which an upload with this encoding needs',
    ],
  ])('refuses %s and says where and why', (line, message) => {
    expect(() => read(least + line)).toThrow(message);
  });
});
