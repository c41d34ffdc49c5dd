import { type ContainerLayout, containerHeaderSize, parseContainerHeader } from './container.js';
import {
  isMutableContainer,
  type MutableContainerLayout,
  mutableHeaderSize,
  parseMutableHeader,
} from './mutable-container.js';

/** Bytes from the start of a file that tell of either kind of container what there is to tell. */
export const longestContainerHeader = Math.max(containerHeaderSize, mutableHeaderSize);

/** The header of a share's file, whichever kind of share it is. */
export type AnyContainerLayout =
  | ({ readonly kind: 'immutable' } & ContainerLayout)
  | ({ readonly kind: 'mutable' } & MutableContainerLayout);

/**
 * Reads the header of a share's file of either kind.
 *
 * @param header the first 468 bytes of the file, or all of a shorter one
 * @param fileSize bytes of the whole file
 * @throws MalformedContainerError
 */
export function parseAnyContainerHeader(header: Uint8Array, fileSize: number): AnyContainerLayout {
  return isMutableContainer(header)
    ? { kind: 'mutable', ...parseMutableHeader(header, fileSize) }
    : { kind: 'immutable', ...parseContainerHeader(header, fileSize) };
}
