/** Large pieces of files, read and written without filling the system's page cache. */
export { LargeFile } from './large-file.js';
export { sliceBuffers } from './write-all.js';
