/** The introducers that a node names, and how each is reached: to listen to them, or to announce itself. */
export {
  defaultIntroducer,
  type IntroducerAccess,
  readIntroducers,
  readOwnBus,
} from './introducer-access.js';
export {
  type IntroducersSetting,
  introducersSetting,
  refuseNamedIntroducerProxies,
} from './introducers-setting.js';
