import { join } from 'node:path';
import { readYamlConfiguration } from '@holdfast/common/configuration';
import { collectForDataPath, runService } from '@holdfast/common/lifecycle';
import { createLogger } from '@holdfast/common/logging';
import { compose } from './compose.js';
import { nodeConfiguration } from './configuration.js';

/**
 * Runs the storage server of a node folder in the foreground until SIGTERM: `holdfast run`.
 *
 * @throws ConfigurationError, SchemaTooNewError, or the system's error where an address is taken or the share folder
 *   cannot be used
 */
export async function run(dir: string): Promise<void> {
  collectForDataPath();
  const configuration = await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration);
  const { nickname, log } = configuration;
  const logger = createLogger({ service: 'storage', nickname, level: log.level });
  await runService(logger, (lifecycle) => compose(dir, configuration, logger, lifecycle));
}
