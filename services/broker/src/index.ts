/** The gateway: the Tahoe web API and a welcome page, over one set of storage servers. */
export { type NodeConfiguration, nodeConfiguration } from './configuration.js';
export { type BrokerOptions, initialise } from './initialise.js';
export { run } from './main.js';
export type { StatusJson } from './web/status-json.js';
