import { parseCapability } from '@holdfast/lafs';
import { describe, expect, it } from 'vitest';
import { entityTag, namesTag } from './entity-tag.js';

const file = parseCapability(
  'URI:CHK:mj3q43xtjd2p4yycw32b4t3vsm:wp6peuuy2ooshhsaaubuy7bnwp2lvhtznalb3e4noxxd5jcz4hpq:3:10:100000',
);

describe('entityTag', () => {
  it('is what the peer says of the same capability', () => {
    expect(entityTag(file)).toBe('dukxpznysz7kif24tvd7icpl7u-');
    expect(entityTag(file, 'json')).toBe('dukxpznysz7kif24tvd7icpl7u-json');
  });

  it('does not exist for a literal', () => {
    expect(entityTag(parseCapability('URI:LIT:nbswy3dp'))).toBeUndefined();
  });
});

describe('namesTag', () => {
  it.each(['a-', '"a-"', 'W/"a-"', '*', 'b a-', 'b, a-', '"b", "a-"', 'a-, b'])(
    'finds a- in %s',
    (header) => {
      expect(namesTag(header, 'a-')).toBe(true);
    },
  );

  it.each([undefined, '', 'b', '"a"', 'a-json'])('does not find a- in %s', (header) => {
    expect(namesTag(header, 'a-')).toBe(false);
  });

  it('finds nothing where there is no tag', () => {
    expect(namesTag('*', undefined)).toBe(false);
  });
});
