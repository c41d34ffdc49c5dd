/** Certificates by which an operator's key vouches for storage servers, in the grid manager's format of Tahoe-LAFS. */
export {
  type CertificateContent,
  CertificateError,
  formatManagerKey,
  type GridManagerCertificate,
  gridManagerCertificate,
  isSignedBy,
  mostCertificates,
  parseManagerKey,
  readCertificate,
  signCertificate,
} from './certificate.js';
export { Vouching } from './vouching.js';
