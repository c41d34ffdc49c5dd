import { describe, expect, it } from 'vitest';
import { countResults } from './count-results.mjs';

const file = (status, ...tests) => ({ status, assertionResults: tests.map((each) => ({ status: each })) });

describe('the count of a test run', () => {
  it('adds up the tests of all files', () => {
    const testResults = [
      file('passed', 'passed', 'pending'),
      file('failed', 'passed', 'failed', 'todo', 'skipped'),
    ];
    expect(countResults({ testResults })).toEqual({ passed: 2, failed: 1, skipped: 3 });
  });

  it('counts a file that failed before its first test as a failure', () => {
    expect(countResults({ testResults: [file('failed'), file('passed', 'passed')] })).toMatchObject({
      failed: 1,
    });
  });

  it('counts a file whose tests pass but whose last hook failed as a failure', () => {
    expect(countResults({ testResults: [file('failed', 'passed')] })).toMatchObject({ passed: 1, failed: 1 });
  });
});
