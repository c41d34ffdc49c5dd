import { base32Encode, type Capability, storageIndexOf } from '@holdfast/lafs';

/**
 * The entity tag of what is shown of an immutable file: its storage index and which representation, without the
 * quotes that RFC 9110 asks for, since the peer writes it so. A literal has none.
 */
export function entityTag(capability: Capability, representation = ''): string | undefined {
  if (capability.kind === 'LIT') return undefined;
  return `${base32Encode(storageIndexOf(capability))}-${representation}`;
}

/** Whether an `If-None-Match` header names `tag`: quoted or not, weak or not, alone or in a list, or as `*`. */
export function namesTag(header: string | undefined, tag: string | undefined): boolean {
  if (header === undefined || tag === undefined) return false;
  return header
    .split(/[\s,]+/)
    .map((each) => each.replace(/^W\//, '').replace(/^"(.*)"$/, '$1'))
    .some((each) => each === tag || each === '*');
}
