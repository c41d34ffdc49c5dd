/**
 * What must never leave the process in text, and what stands in its place. Applied to whole log lines, so a
 * secret is caught wherever it was put: in a message, a field, a stack trace or a URL.
 */
const secrets: readonly [pattern: RegExp, replacement: string][] = [
  // A capability, as written (`URI:CHK:…`) or percent-encoded in a path or query, once or more often.
  [/URI(?::|%(?:25)*3A)([A-Z0-9-]+)(?::|%(?:25)*3A)[A-Za-z0-9:%_-]+/gi, 'URI:$1:[redacted]'],
  // The swissnum at the end of a FURL or NURL is the credential; the rest says which server.
  [/(pb(?:\+[a-z0-9]+)?:\/\/[A-Za-z0-9_-]+@[^/\s"]+\/)[A-Za-z0-9_-]+/g, '$1[redacted]'],
  [/(pb(?:\+|%(?:25)*2B)?[a-z0-9]*%(?:25)*3A%(?:25)*2F%(?:25)*2F)[A-Za-z0-9:%_.+-]+/gi, '$1[redacted]'],
  // The password of a database or bus URL, also where it has a / or an @ in it, or the scheme is mistyped.
  [/((?:postgres(?:ql)?|nats|tls):?\/*[^:/@\s"]*):(?!\/\/)[^\s"]{1,300}@/g, '$1:[redacted]@'],
  // That of any other URL.
  [/([a-z]+:\/\/[^:/@\s"]*):[^@/\s"]+@/g, '$1:[redacted]@'],
  // Request headers that carry credentials and secrets (docs: http-storage-node-protocol, "Authorization").
  [/(Tahoe-LAFS|Bearer|Basic) [A-Za-z0-9+/=_-]{8,}/g, '$1 [redacted]'],
  [/((?:lease-renew|lease-cancel|upload|write-enabler)(?:-secret)?) [A-Za-z0-9+/=]{16,}/g, '$1 [redacted]'],
  // Private signing keys.
  [/priv-v0-[a-z2-7]+/g, 'priv-v0-[redacted]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, '[private key redacted]'],
];

/** `text` with every capability, credential and secret in it replaced by a word that says what stood there. */
export function redact(text: string): string {
  let safe = text;
  for (const [pattern, replacement] of secrets) safe = safe.replace(pattern, replacement);
  return safe;
}
