import { describe, expect, it } from 'vitest';
import { attachment, contentTypeOf } from './file-name.js';

describe('contentTypeOf', () => {
  // Seen from the running peer.
  it.each([
    ['a.txt', 'text/plain'],
    ['a.JPG', 'image/jpeg'],
    ['a b.png', 'image/png'],
    ['a.html', 'text/html'],
    ['a.unknown', 'text/plain'],
    ['README', 'text/plain'],
    ['a.', 'text/plain'],
    ['.txt', 'text/plain'],
    ['a.png/c', 'text/plain'],
    ['', 'text/plain'],
    [undefined, 'text/plain'],
  ])('is for %s %s', (name, type) => {
    expect(contentTypeOf(name)).toBe(type);
  });

  it('says of a compressed file that it is one, so that it arrives as it was stored', () => {
    expect(contentTypeOf('a.tar.gz')).toBe('application/gzip');
  });
});

describe('attachment', () => {
  it('names a file as the peer does', () => {
    expect(attachment('foo.jpg')).toBe('attachment; filename="foo.jpg"');
  });

  it('adds the encoded form where the name is more than ASCII', () => {
    expect(attachment('é.txt')).toBe(
      'attachment; filename="\u00c3\u00a9.txt"; filename*=UTF-8\'\'%C3%A9.txt',
    );
  });

  it('lets no name end the header or its quotes', () => {
    expect(attachment('a"b\r\nX: y')).toBe(
      'attachment; filename="a\\"b__X: y"; filename*=UTF-8\'\'a%22b__X%3A%20y',
    );
  });

  it('names a file that nobody named, or its capability would become its name', () => {
    expect(attachment(undefined)).toBe('attachment; filename="file"');
  });
});
