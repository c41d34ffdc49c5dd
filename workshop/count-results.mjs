/**
 * Counts what vitest's JSON report says. A file that failed as a whole, before any test of it could run, counts as
 * one failure: it must not look as if nothing had gone wrong.
 *
 * @param {{testResults: {status: string, assertionResults: {status: string}[]}[]}} report
 * @returns {{passed: number, failed: number, skipped: number}}
 */
export function countResults(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') failedHere += 1;
      else counts.skipped += 1;
    }
    if (file.status === 'failed' && failedHere === 0) failedHere = 1;
    counts.failed += failedHere;
  }
  return counts;
}
