import { describe, expect, it } from 'vitest';
import { answerTo } from './errors.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: something about /a/secret/path`), { code });
}

describe('an error in HTTP', () => {
  it.each(['ENOSPC', 'EDQUOT'])('is 507 where the spool has no room: %s', (code) => {
    const { status, text } = answerTo(systemError(code));
    expect(status).toBe(507);
    expect(text).toMatch(/no room/);
    expect(text).not.toContain('path');
  });

  it('tells nothing of its inside where it is ours', () => {
    const { status, text } = answerTo(systemError('EIO'));
    expect(status).toBe(500);
    expect(text).not.toContain('EIO');
    expect(text).not.toContain('path');
  });
});
