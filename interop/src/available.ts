import { tahoeProgram } from './tahoe-program.js';

/**
 * The `tahoe` command, or why the interop tests must be passed over. With `CI` set they never are: a machine without
 * the peer then fails.
 */
export async function findTahoe(): Promise<{ program: string } | { missing: string }> {
  try {
    return { program: await tahoeProgram() };
  } catch (error) {
    if (process.env['CI']) throw error;
    return { missing: (error as Error).message };
  }
}
