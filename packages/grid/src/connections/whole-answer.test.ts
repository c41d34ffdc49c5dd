import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { AnswerReceiver } from './whole-answer.js';

const controller = { abort: () => undefined } as unknown as Dispatcher.DispatchController;
const room = () => Buffer.alloc(6, '.');

/** An answer that has begun, and said that it will have so many bytes. */
function begun(length: number, into: Uint8Array): AnswerReceiver {
  const receiver = new AnswerReceiver(100, into);
  receiver.onRequestStart(controller);
  receiver.onResponseStart(controller, 206, { 'content-length': String(length) });
  return receiver;
}

describe('an answer for which there is room', () => {
  it('is in it, where it has just that size', async () => {
    const into = room();
    const receiver = begun(6, into);
    for (const chunk of ['abc', 'def']) receiver.onResponseData(controller, Buffer.from(chunk));
    receiver.onResponseEnd();
    expect((await receiver.answer).body.buffer).toBe(into.buffer);
    expect(into.toString()).toBe('abcdef');
  });

  it('is not in it, where it has another', async () => {
    const into = room();
    const receiver = begun(3, into);
    receiver.onResponseData(controller, Buffer.from('abc'));
    receiver.onResponseEnd();
    expect(Buffer.from((await receiver.answer).body).toString()).toBe('abc');
    expect(into.toString()).toBe('......');
  });

  it.each<[string, (receiver: AnswerReceiver) => void]>([
    ['cancelled', (receiver) => receiver.cancel(new Error('too late'))],
    ['broken off', (receiver) => receiver.onResponseError(controller, new Error('too late'))],
  ])('writes nothing to it any more when it is %s', async (_, end) => {
    const into = room();
    const receiver = begun(6, into);
    receiver.onResponseData(controller, Buffer.from('abc'));
    end(receiver);
    receiver.onResponseData(controller, Buffer.from('def'));
    await expect(receiver.answer).rejects.toThrow('too late');
    expect(into.toString()).toBe('abc...');
  });
});
