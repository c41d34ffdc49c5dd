/** The first message of a TLS handshake (RFC 8446 §4.1.2), all of it, in hexadecimal. */
export interface ClientHello {
  /** Of the record, and of the message. */
  readonly versions: string;
  readonly random: string;
  /** Random where no session is resumed (the "middlebox compatibility mode" of TLS 1.3). */
  readonly sessionId: string;
  /** In the client's order. */
  readonly cipherSuites: string;
  readonly compressionMethods: string;
  /** The content of each extension by its number, in the client's order. */
  readonly extensions: ReadonlyMap<number, string>;
}

/** Extensions whose content is made anew for every connection, or would name a session. */
export const extensionNumber = {
  serverName: 0,
  applicationProtocols: 16,
  sessionTicket: 35,
  preSharedKey: 41,
  keyShare: 51,
} as const;

/** Reads a ClientHello from the first bytes of a connection: it fits into one record and one packet. */
export function readClientHello(bytes: Buffer): ClientHello {
  if (bytes[0] !== 22 || bytes[5] !== 1)
    throw new Error('expected a TLS handshake that begins with a ClientHello');
  let at = 9;
  const take = (size: number) => {
    at += size;
    return bytes.subarray(at - size, at);
  };
  const number = (size: number) => take(size).readUIntBE(0, size);
  const versions = `${bytes.subarray(1, 3).toString('hex')} ${take(2).toString('hex')}`;
  const random = take(32).toString('hex');
  const sessionId = take(number(1)).toString('hex');
  const cipherSuites = take(number(2)).toString('hex');
  const compressionMethods = take(number(1)).toString('hex');
  const extensions = new Map<number, string>();
  for (const end = number(2) + at; at < end; ) {
    const type = number(2);
    extensions.set(type, take(number(2)).toString('hex'));
  }
  return { versions, random, sessionId, cipherSuites, compressionMethods, extensions };
}
