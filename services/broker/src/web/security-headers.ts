/**
 * On every response. The first two are the peer's: no page may put ours into a frame, and no capability in our URLs
 * reaches another site.
 */
export const everywhere = {
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
} as const;

/** For our own pages: nothing but our own script and style, and nobody else's frame. */
export const ownPage = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;

const sandbox = {
  'content-security-policy':
    'sandbox allow-scripts allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads',
} as const;

/**
 * For what people stored here. It comes from the same host as the gateway itself, and its author may be anybody: a
 * type that can hold scripts gets a sandbox, in which it may run and link, but as a site of its own, which can read
 * nothing of the gateway's. (Other types do not get one: it keeps browsers from showing a PDF.)
 */
export function storedContent(contentType: string): Readonly<Record<string, string>> {
  return /html|xml/.test(contentType) ? sandbox : {};
}
