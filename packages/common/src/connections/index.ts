/** Which connections may be made and how: directly, through a SOCKS proxy, through Tor or I2P, or not at all. */
export {
  anonymousSetting,
  busSettings,
  canReachBus,
  noWayToBus,
  ownBusTypes,
  type RevealingSettings,
  refuseDirect,
  refuseNamedProxies,
  refuseRevealing,
  refuseUnreachableBus,
} from './anonymity.js';
export {
  type ConnectionHandler,
  type ConnectionTypes,
  connectionTypes,
  defaultConnectionTypes,
  type HandlerName,
  type WrittenConnectionTypes,
} from './connection-types.js';
export { type DialOptions, dial, dialTimeout } from './dial.js';
export { ProxyError } from './errors.js';
export { explainNoRoute, type Hint, type Route, routesFor, transportOf } from './routes.js';
export { freshIsolation, type StreamIsolation } from './stream-isolation.js';
