import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '@holdfast/common/configuration';
import { LineCounter, parseDocument } from 'yaml';
import { type Role, roles } from './services.js';

/**
 * Which service a node folder is for, by `service:` in its `node.yaml`. The service itself checks all the rest.
 *
 * @throws ConfigurationError
 */
export async function roleOfNode(dir: string): Promise<Role> {
  const file = join(dir, 'node.yaml');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code})`;
    throw new ConfigurationError(file, undefined, '', reason);
  });
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const node = document.get('service', true) as
    | { value?: unknown; range?: [number, number, number] }
    | undefined;
  const role = roles.find((one) => one === node?.value);
  if (role !== undefined) return role;
  const line = node?.range ? lineCounter.linePos(node.range[0]).line : undefined;
  const found = node === undefined ? 'nothing' : JSON.stringify(node.value);
  throw new ConfigurationError(file, line, 'service', `expected one of ${roles.join(', ')}, found ${found}`);
}
