/** Reading a node's configuration, with errors that name file, line and expectation; and making a node's folder. */
export { ConfigurationError, NodeFolderExistsError } from './errors.js';
export { createNodeFolder, type NodeFolderContents } from './node-folder.js';
export {
  accessFiles,
  announcementFields,
  type BusAccess,
  busAccess,
  busUrl,
  type NodeOptions,
  nodeSettings,
  nodeYamlFields,
  reachingFields,
  urlWithPassword,
  withoutPassword,
} from './node-settings.js';
export { refuseUnquoted } from './unquoted.js';
export { byteSize, duration, formatHostPort, type HostPort, hostPort, parseHostPort } from './values.js';
export {
  parseYamlConfiguration,
  readConfigurationText,
  readStart,
  readYamlConfiguration,
} from './yaml-file.js';
