import { describe, expect, it } from 'vitest';
import { InvitationCode } from './code.js';

describe('an invitation’s code', () => {
  const code = InvitationCode.create('tls://storage:secret@bus.example:4222');
  const value = { password: 'p' };

  it('is short, says where the bus is, and nobody’s password', () => {
    expect(String(code)).toMatch(/^tls:\/\/bus\.example:4222\/[a-z2-7]{7}(-[a-z2-7]{1,7}){3}$/);
  });

  it('is read as it was printed, whatever the case and the hyphens', () => {
    for (const text of [
      String(code),
      ` ${code}\n`,
      String(code).toUpperCase(),
      `${code.bus}/${String(code).split('/')[3]?.replaceAll('-', '')}`,
    ]) {
      const read = InvitationCode.parse(text);
      expect(read.meetingPlace).toBe(code.meetingPlace);
      expect(read.open('answer', code.seal('answer', value, 'n'), 'n')).toEqual(value);
    }
  });

  it.each([
    '',
    'tls://bus/',
    'tls://bus/abc',
    'http://bus/aaaaaaaaaaaaaaaaaaaaaaaaaa',
    'aaaaaaaaaaaaaaaaaaaaaaaaaa',
  ])('is refused where it is %j', (text) => {
    expect(() => InvitationCode.parse(text)).toThrow('expected a code as `holdfast invite` printed it');
  });

  it('opens only what the same code sealed, for the same purpose and question, and nobody changed', () => {
    const sealed = code.seal('answer', value, 'nonce');
    const unreadable = expect.objectContaining({ code: 'unreadable' });
    const changed = Buffer.from(sealed, 'base64');
    changed[20] = (changed[20] ?? 0) ^ 1;
    const other = InvitationCode.create(code.bus);
    expect(() => other.open('answer', sealed, 'nonce')).toThrow(unreadable);
    expect(() => code.open('request', sealed, 'nonce')).toThrow(unreadable);
    expect(() => code.open('answer', sealed, 'another')).toThrow(unreadable);
    expect(() => code.open('answer', changed.toString('base64'), 'nonce')).toThrow(unreadable);
    expect(() => code.open('answer', '', 'nonce')).toThrow(unreadable);
  });

  it('tells nothing by the place where the two meet', () => {
    expect(code.meetingPlace).toMatch(/^[a-z2-7]{26}$/);
    expect(String(code).replaceAll('-', '')).not.toContain(code.meetingPlace);
    expect(InvitationCode.create(code.bus).meetingPlace).not.toBe(code.meetingPlace);
  });
});
