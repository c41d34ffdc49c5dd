/** The real Tahoe-LAFS, run as processes: for the interop tests and for the benchmarks. */
export { type ServerAnnouncement, type TahoeEncoding, TahoeNode } from './tahoe-node.js';
export { tahoeProgram, tahoeVersion } from './tahoe-program.js';
