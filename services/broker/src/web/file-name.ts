import { contentTypes } from './content-types.js';

/** The media type of a file that is asked for by `name`, from the last of its extensions; the peer's answer for each. */
export function contentTypeOf(name: string | undefined): string {
  const extension = /[^./]\.([^./]+)$/.exec(name ?? '')?.[1]?.toLowerCase();
  return (extension !== undefined && contentTypes.get(extension)) || 'text/plain';
}

/**
 * The `Content-Disposition` under which a browser saves a file (webapi.rst, "Viewing/Downloading a File"): the name's
 * UTF-8 bytes as they are, as the peer sends them, and for names that are more than plain ASCII also in the form that
 * browsers agree on (RFC 6266 §4.3). Node writes header strings as Latin-1, hence the conversion.
 */
export function attachment(name: string | undefined): string {
  // Without a name, a browser would make one of the URL, and so of the capability.
  if (name === undefined || name === '') return 'attachment; filename="file"';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  const harmless = name.replace(/[\u0000-\u001f\u007f]/g, '_');
  const quoted = harmless.replace(/["\\]/g, '\\$&');
  const bytes = Buffer.from(quoted, 'utf8').toString('latin1');
  const plain = `attachment; filename="${bytes}"`;
  if (/^[\x20-\x7e]*$/.test(harmless) && quoted === harmless) return plain;
  const encoded = encodeURIComponent(harmless).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${plain}; filename*=UTF-8''${encoded}`;
}
