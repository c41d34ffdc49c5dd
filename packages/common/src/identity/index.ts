/** Who a node is: its signing key, its certificate, and the secrets beside them. */
export { generateNodePem, parseNodePem, spkiHash, type TlsIdentity } from './certificate.js';
export {
  type Identity,
  loadIdentity,
  newIdentityFiles,
  newSecretFile,
  readPrivateFile,
  readPrivateSecret,
} from './identity.js';
export {
  deriveKey,
  generateSigningKey,
  parsePublicKey,
  parseSigningKey,
  publicKeyText,
} from './signing-key.js';
