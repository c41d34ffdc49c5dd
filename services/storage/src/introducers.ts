import { Bus } from '@holdfast/common/bus';
import { defaultIntroducer, readIntroducers } from '@holdfast/common/introducers';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import type { StorageConfiguration } from './configuration.js';

/** What the introducers' buses are opened with. */
export interface IntroducersOptions {
  readonly dir: string;
  readonly configuration: StorageConfiguration;
  /** That of `node.yaml`. */
  readonly bus: Bus;
  /** As the buses show this client. */
  readonly name: string;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}

/** The bus of each introducer that this server announces itself to, by name; without the field, that of `node.yaml`. */
export async function openIntroducers(options: IntroducersOptions): Promise<ReadonlyMap<string, Bus>> {
  const { dir, configuration, bus, name, logger, lifecycle } = options;
  const { introducers, connection_types: forAll } = configuration;
  if (introducers === undefined) return new Map([[defaultIntroducer, bus]]);
  const buses = new Map<string, Bus>();
  for (const [introducer, access] of await readIntroducers(dir, configuration, introducers, forAll)) {
    const opened = new Bus({ ...access, name, logger: logger.child({ introducer }) });
    lifecycle.add(`bus of the introducer ${introducer}`, () => opened.close());
    buses.set(introducer, opened);
  }
  return buses;
}
