/**
 * Looks again and again. No look begins while the last is under way: a browser has few connections for one gateway, and
 * while uploads take them all the looks would gather behind them.
 *
 * @param every milliseconds from one look to the next
 * @returns ends it
 */
export function lookAgain(every: number, look: () => Promise<void>): () => void {
  let underWay = false;
  const timer = setInterval(async () => {
    if (underWay) return;
    underWay = true;
    try {
      await look();
    } finally {
      underWay = false;
    }
  }, every);
  return () => clearInterval(timer);
}
