import {
  cborMediaType,
  decodeAllocateRequest,
  encodeAllocateAnswer,
  encodeServerVersion,
  encodeShareNumbers,
  encodeWriteAnswer,
  matchRoute,
  parseContentRange,
} from '@holdfast/lafs';
import type { Answering } from './recording-server.js';

/** Answers as a storage server that takes whatever share it is offered, and keeps none. */
export function takeAnyShare(): Answering {
  const shareSizes = new Map<string, number>();
  /** Shares of which an upload has begun. */
  const begun = new Set<string>();

  function answerTo(
    method: string,
    path: string,
    body: Buffer,
    contentRange: string,
  ): { status: number; body?: Uint8Array } {
    const route = matchRoute(method, path);
    switch (route.name) {
      case 'version': {
        const large = 2n ** 40n;
        const sizes = {
          maximumImmutableShareSize: large,
          maximumMutableShareSize: large,
          availableSpace: large,
        };
        return { status: 200, body: encodeServerVersion({ ...sizes, applicationVersion: 'recorder/1' }) };
      }
      case 'listShares':
        return { status: 200, body: encodeShareNumbers(new Set()) };
      case 'allocateShares': {
        const { shareNumbers, allocatedSize } = decodeAllocateRequest(body);
        // As with the peer, nothing is said of shares that are on their way already.
        const allocated = new Set([...shareNumbers].filter((share) => !begun.has(`${path}/${share}`)));
        for (const share of allocated) {
          shareSizes.set(`${path}/${share}`, allocatedSize);
          begun.add(`${path}/${share}`);
        }
        return { status: 200, body: encodeAllocateAnswer({ alreadyHave: new Set(), allocated }) };
      }
      case 'writeShare': {
        const complete = parseContentRange(contentRange)?.end === shareSizes.get(path);
        if (complete) begun.delete(path);
        return { status: complete ? 201 : 200, body: encodeWriteAnswer([]) };
      }
      case 'abortUpload':
        return { status: begun.delete(path.replace(/\/abort$/, '')) ? 200 : 404 };
      default:
        return { status: 404 };
    }
  }

  return ({ method, path, headers }, body) => {
    const [, contentRange = ''] = headers.find(([name]) => name.toLowerCase() === 'content-range') ?? [];
    const answer = answerTo(method, path, body, contentRange);
    return {
      status: answer.status,
      headers: ['content-type', cborMediaType],
      body: answer.body ?? new Uint8Array(0),
    };
  };
}
