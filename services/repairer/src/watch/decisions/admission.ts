/**
 * How many more jobs the watch puts into the queue, those of the files with the fewest spare shares first. The queue is
 * kept short, so that a file which gets into danger later does not stand behind thousands that are in less, and gets
 * nothing while the network is suspected.
 *
 * @param backlog jobs of the watch that may wait at once
 * @param waiting how many do
 */
export function jobsToAdmit({
  suspected,
  backlog,
  waiting,
}: {
  readonly suspected: boolean;
  readonly backlog: number;
  readonly waiting: number;
}): number {
  return suspected ? 0 : Math.max(0, backlog - waiting);
}
