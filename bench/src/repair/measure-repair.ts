import { compareRepair, type RepairBenchSize } from './compare-repair.js';
import { scaleRepair } from './scale-repair.js';

/**
 * How fast files are checked and repaired: beside Tahoe-LAFS, and with more repairers.
 *
 * @returns how many aims were missed
 */
export async function measureRepair(
  size: RepairBenchSize & {
    /** Of each repairer. */
    readonly jobs: number;
  },
): Promise<number> {
  return (await compareRepair(size)) + (await scaleRepair(size.jobs));
}
