/** The introducer: checks signed announcements, remembers the newest of each server, and tells every subscriber. */
export { AnnouncementStore } from './announcement-store.js';
export { type IntroducerConfiguration, nodeConfiguration } from './configuration.js';
export { initialise } from './initialise.js';
export { run } from './main.js';
export { migrateIntroducer } from './migrations.js';
