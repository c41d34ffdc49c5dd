const pattern = /^Tahoe-LAFS ((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** The Authorization header for a swissnum, the credential at the end of a NURL. */
export function formatAuthorization(swissnum: string): string {
  return `Tahoe-LAFS ${Buffer.from(swissnum).toString('base64')}`;
}

/** The bytes of the credential in an Authorization header; undefined where there is none to be read. */
export function parseAuthorization(header: string | undefined): Uint8Array | undefined {
  const match = pattern.exec(header ?? '');
  return match?.[1] ? Buffer.from(match[1], 'base64') : undefined;
}
