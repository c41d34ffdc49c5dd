import { cborMediaType } from './cbor.js';

/**
 * Whether CBOR is what an Accept header wants best, as the peer judges: no header means CBOR, and a wildcard alone
 * does not.
 */
export function prefersCbor(accept: string | undefined): boolean {
  if (accept === undefined || accept === cborMediaType) return true;
  let best = '';
  let bestRank = 0;
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = q === undefined ? 1 : Number(q.slice(2));
    const specificity = type === '*/*' ? 0 : type.endsWith('/*') ? 1 : 2;
    // Quality decides; among equals the more specific type, then the earlier.
    const rank = quality > 0 ? quality * 10 + specificity : 0;
    if (rank > bestRank) {
      bestRank = rank;
      best = type;
    }
  }
  return best === cborMediaType;
}

/** Whether a request body is CBOR; one without a Content-Type is. */
export function isCbor(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === cborMediaType) return true;
  return contentType.split(';')[0]?.trim().toLowerCase() === cborMediaType;
}
