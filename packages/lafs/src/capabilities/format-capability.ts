import { base32Encode } from '../base32.js';
import type { Capability } from './capability.js';

/** Writes a capability as text, in the form that {@link parseCapability} reads. */
export function formatCapability(capability: Capability): string {
  if (capability.kind === 'LIT') return `URI:LIT:${base32Encode(capability.data)}`;
  const { kind, uriExtensionHash, required, total, size } = capability;
  const first = kind === 'CHK' ? capability.key : capability.storageIndex;
  return `URI:${kind}:${base32Encode(first)}:${base32Encode(uriExtensionHash)}:${required}:${total}:${size}`;
}
