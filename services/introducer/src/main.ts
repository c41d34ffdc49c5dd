import { join } from 'node:path';
import { readYamlConfiguration } from '@holdfast/common/configuration';
import { runService } from '@holdfast/common/lifecycle';
import { createLogger } from '@holdfast/common/logging';
import { compose } from './compose.js';
import { nodeConfiguration } from './configuration.js';

/**
 * Runs the introducer of a node folder in the foreground until SIGTERM: `holdfast run`.
 *
 * @throws ConfigurationError, SchemaTooNewError, or the system's error where the operator port is taken
 */
export async function run(dir: string): Promise<void> {
  const configuration = await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration);
  const logger = createLogger({
    service: 'introducer',
    nickname: configuration.nickname,
    level: configuration.log.level,
  });
  await runService(logger, (lifecycle) => compose(dir, configuration, logger, lifecycle));
}
