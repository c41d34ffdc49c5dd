/**
 * What all of some promises give. Rejects as `Promise.all` does, but only when nothing of it is under way any more: for
 * work that shares something with what its failure lets go of.
 */
export async function allEnded<T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
