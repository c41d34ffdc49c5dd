import { type FileHealth, spareShares } from './file-health.js';

/**
 * Whether a file's repair can wait for servers that are away, and might bring back what is missing: half of its spare
 * shares or more can be read.
 */
export function canWaitForServers({
  needed,
  expected,
  readable,
}: Pick<FileHealth, 'needed' | 'expected' | 'readable'>): boolean {
  return readable < expected && 2 * spareShares({ readable, needed }) >= expected - needed;
}
