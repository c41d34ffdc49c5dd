import { join } from 'node:path';
import { readYamlConfiguration } from '@holdfast/common/configuration';
import { collectForDataPath, runService } from '@holdfast/common/lifecycle';
import { createLogger } from '@holdfast/common/logging';
import { compose } from './compose.js';
import { nodeConfiguration } from './configuration.js';

/**
 * Runs the repairer of a node folder in the foreground until SIGTERM: `holdfast run`.
 *
 * @throws ConfigurationError, or the Error of a private file that is missing or wrong
 */
export async function run(dir: string): Promise<void> {
  collectForDataPath();
  const configuration = await readYamlConfiguration(join(dir, 'node.yaml'), nodeConfiguration);
  const logger = createLogger({
    service: 'repairer',
    nickname: configuration.nickname,
    level: configuration.log.level,
  });
  await runService(logger, (lifecycle) => compose(dir, configuration, logger, lifecycle));
}
