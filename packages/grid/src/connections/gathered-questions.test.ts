import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type FileAnswer, type FileQuestion, mostFilesAsked } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { StorageServerError } from '../errors.js';
import { GatheredQuestions, type QuestionPort } from './gathered-questions.js';

/** A file whose share numbers are its name, so that an answer shows whose it is. */
const file = (name: number) => new Uint8Array(16).fill(name);

interface Asked {
  readonly files: readonly number[];
  readonly signal: AbortSignal | undefined;
}

/** A server that notes how it is asked, and answers a little later. */
function noting(
  options: {
    findMany?: boolean;
    answer?: (questions: readonly FileQuestion[]) => readonly FileAnswer[];
    inTurn?: QuestionPort['inTurn'];
  } = {},
) {
  const together: Asked[] = [];
  const alone: string[] = [];
  const nameOf = ({ storageIndex }: Pick<FileQuestion, 'storageIndex'>) => storageIndex[0] ?? 0;
  const held = (question: FileQuestion) => ({ shares: new Map(), others: new Set([nameOf(question)]) });
  const port: QuestionPort = {
    nickname: () => 's1',
    inTurn: options.inTurn ?? ((_, request) => request()),
    findMany: () => options.findMany ?? true,
    findShares: async (questions, signal) => {
      together.push({ files: questions.map(nameOf), signal });
      await delay(5);
      return options.answer?.(questions) ?? questions.map(held);
    },
    listShares: async (storageIndex) => {
      alone.push(`list ${nameOf({ storageIndex })}`);
      await delay(5);
      return new Set([nameOf({ storageIndex })]);
    },
    readWhole: async (storageIndex) => {
      alone.push(`read ${nameOf({ storageIndex })}`);
      await delay(5);
      return held({ storageIndex, most: 1 });
    },
  };
  return { questions: new GatheredQuestions(port), together, alone };
}

/** What was asked is on its way, and no timer has gone off since: nothing is answered, however busy the machine is. */
const sent = () => nextTurn();

describe('questions to one server', () => {
  it('go together where they are put at once, and while a request is under way', async () => {
    const { questions, together } = noting();
    const first = [1, 2].map((name) => questions.listShares(file(name)));
    await sent();
    const second = [questions.listShares(file(3)), questions.readWhole(file(4), undefined, 100, 10)];
    const answers = await Promise.all([...first, ...second]);
    expect(answers.slice(0, 3)).toEqual([new Set([1]), new Set([2]), new Set([3])]);
    expect(answers[3]).toEqual({ shares: new Map(), others: new Set([4]) });
    expect(together.map(({ files }) => files)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('go as they always did where there is only one, or a server knows of no others', async () => {
    const one = noting();
    expect(await one.questions.listShares(file(1))).toEqual(new Set([1]));
    const old = noting({ findMany: false });
    await Promise.all([
      old.questions.listShares(file(1)),
      old.questions.listShares(file(2)),
      old.questions.readWhole(file(3), undefined, undefined, 10),
    ]);
    expect([...one.alone, ...old.alone]).toEqual(['list 1', 'list 1', 'list 2', 'read 3']);
    expect([...one.together, ...old.together]).toEqual([]);
  });

  it('go by themselves where nobody says how much of a file is wanted', async () => {
    const { questions, alone, together } = noting();
    await Promise.all([questions.readWhole(file(1)), questions.readWhole(file(2))]);
    expect(alone).toEqual(['read 1', 'read 2']);
    expect(together).toEqual([]);
  });

  it('are no more in one request than it takes, nor for more bytes than are worth asking for at once', async () => {
    const { questions, together } = noting();
    const many = Array.from({ length: mostFilesAsked + 2 }, () => questions.listShares(file(1)));
    await Promise.all(many);
    expect(together.map(({ files }) => files.length)).toEqual([mostFilesAsked, 2]);
    await Promise.all(
      [1, 2, 3, 4, 5].map((name) => questions.readWhole(file(name), undefined, undefined, 2 ** 19)),
    );
    expect(together.slice(2).map(({ files }) => files)).toEqual([[1, 2, 3, 4], [5]]);
  });

  it('are put again by themselves where there was no room for their answer', async () => {
    const shares = new Map([[2, new Uint8Array(10)]]);
    const { questions, together, alone } = noting({
      answer: (asked) => asked.map(() => (asked.length === 1 ? { shares, others: new Set() } : null)),
    });
    const answers = await Promise.all([
      questions.listShares(file(1)),
      questions.readWhole(file(2), undefined, undefined, 10),
    ]);
    expect(answers).toEqual([new Set([1]), { shares, others: new Set() }]);
    expect(together.map(({ files }) => files)).toEqual([[1, 2], [2]]);
    expect(alone).toEqual(['list 1']);
  });

  it('bring the numbers of shares at least, where a server has no room for a file by itself either', async () => {
    const { questions, alone } = noting({ answer: (asked) => asked.map(() => null) });
    const answer = await questions.readWhole(file(2), undefined, undefined, 10);
    expect(answer).toEqual({ shares: new Map(), others: new Set([2]) });
    expect(alone).toEqual(['list 2']);
  });

  it.each([
    ['malformed-answer', 200],
    ['refused', 400],
  ] as const)('are put again by themselves after: %s, %d', async (code, status) => {
    const { questions, alone, together } = noting({
      answer: () => {
        throw new StorageServerError(code, 's1', 'cannot answer so many', status);
      },
    });
    const [one, other] = await Promise.allSettled([
      questions.listShares(file(1)),
      questions.readWhole(file(2), undefined, undefined, 10),
    ]);
    expect(one).toEqual({ status: 'fulfilled', value: new Set([1]) });
    expect(other).toMatchObject({ status: 'rejected', reason: { code } });
    expect(together.map(({ files }) => files)).toEqual([[1, 2], [2]]);
    expect(alone).toEqual(['list 1']);
  });

  it('are not put again to a server that has too much to do', async () => {
    const { questions, alone, together } = noting({
      answer: () => {
        throw new StorageServerError('refused', 's1', 'is busy', 503);
      },
    });
    const asked = await Promise.allSettled([1, 2].map((name) => questions.listShares(file(name))));
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect([together.length, alone.length]).toEqual([1, 0]);
  });

  it('are put again eight at a time, however many they were', async () => {
    let [under, most] = [0, 0];
    const { questions } = noting({
      answer: (asked) => asked.map(() => null),
      inTurn: async (_, request) => {
        most = Math.max(most, ++under);
        return request().finally(() => under--);
      },
    });
    const names = Array.from({ length: 40 }, (_, name) => name);
    const answers = await Promise.all(names.map((name) => questions.listShares(file(name))));
    expect(answers).toEqual(names.map((name) => new Set([name])));
    expect(most).toBe(8);
  });

  it('are held up no longer than a while by a request that is not answered', async () => {
    const silence = new Promise<readonly FileAnswer[]>(() => undefined);
    const asked: number[] = [];
    const questions = new GatheredQuestions({
      nickname: () => 's1',
      inTurn: (_, request) => request(),
      findMany: () => true,
      findShares: (files) => {
        asked.push(files.length);
        return asked.length === 1
          ? silence
          : Promise.resolve(files.map(() => ({ shares: new Map(), others: new Set([7]) })));
      },
      listShares: async () => new Set([7]),
      readWhole: async () => ({ shares: new Map(), others: new Set() }),
    });
    void Promise.all([1, 2].map((name) => questions.listShares(file(name))));
    await sent();
    const later = [3, 4, 5].map((name) => questions.listShares(file(name)));
    expect(await Promise.all(later)).toEqual([new Set([7]), new Set([7]), new Set([7])]);
    expect(await questions.listShares(file(6))).toEqual(new Set([7]));
    expect(asked).toEqual([2, 3]);
  });

  it('fail together with their request, and those that come later do not', async () => {
    let failing = true;
    const { questions } = noting({
      answer: (asked) => {
        if (failing) throw new StorageServerError('timeout', 's1', 'did not answer in time');
        return asked.map(() => ({ shares: new Map(), others: new Set([9]) }));
      },
    });
    const failed = await Promise.allSettled([1, 2].map((name) => questions.listShares(file(name))));
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failing = false;
    expect(await Promise.all([1, 2].map((name) => questions.listShares(file(name))))).toEqual([
      new Set([9]),
      new Set([9]),
    ]);
  });

  it('end for whoever does not wait any more, and the request with the last of them', async () => {
    const { questions, together } = noting();
    const [one, other] = [new AbortController(), new AbortController()];
    const asked = [questions.listShares(file(1), one.signal), questions.listShares(file(2), other.signal)];
    const settled = Promise.allSettled(asked);
    await sent();
    const late = questions.listShares(file(3), one.signal);
    one.abort();
    await expect(asked[0]).rejects.toMatchObject({ name: 'StorageServerError', code: 'aborted' });
    await expect(late).rejects.toMatchObject({ code: 'aborted' });
    await expect(questions.listShares(file(4), one.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(together).toMatchObject([{ files: [1, 2] }]);
    expect(together[0]?.signal?.aborted).toBe(false);
    other.abort();
    expect(together[0]?.signal?.aborted).toBe(true);
    await settled;
  });

  it('of one signal end with it, though they went in one request', async () => {
    const { questions, together } = noting();
    const wanted = new AbortController();
    const settled = Promise.allSettled([1, 2].map((name) => questions.listShares(file(name), wanted.signal)));
    await sent();
    wanted.abort();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(together[0]?.signal?.aborted).toBe(true);
  });

  it('are given their time from when it is the turn of their request', async () => {
    let turn: () => void = () => undefined;
    const server = noting({
      answer: (asked) => asked.map(() => null),
      inTurn: async (_, request) => {
        await new Promise<void>((resolve) => {
          turn = resolve;
        });
        return request();
      },
    });
    const asked = server.questions.readWhole(file(1), undefined, 500, 10);
    // Its first request, and the second after an answer that says nothing of the file.
    for (let request = 0; request < 2; request++) {
      await delay(600);
      turn();
      await delay(20);
    }
    expect(await asked).toEqual({ shares: new Map(), others: new Set([1]) });
  });

  it('end after the time that each is given, and not after that of the others', async () => {
    const silence = new Promise<never>(() => undefined);
    let request: AbortSignal | undefined;
    const questions = new GatheredQuestions({
      nickname: () => 's1',
      inTurn: (_, request) => request(),
      findMany: () => true,
      findShares: (_, signal) => {
        request = signal;
        return silence;
      },
      listShares: () => silence,
      readWhole: () => silence,
    });
    const [hasty, patient] = [1, 500].map((within) => questions.listShares(file(1), undefined, within));
    const ended = expect(patient).rejects.toThrow('s1: did not answer within 0.5 s');
    await expect(hasty).rejects.toMatchObject({ code: 'aborted' });
    expect(request?.aborted).toBe(false);
    await ended;
    expect(request?.aborted).toBe(true);
  });
});
