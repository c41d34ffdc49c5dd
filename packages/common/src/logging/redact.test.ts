import { describe, expect, it } from 'vitest';
import { redact } from './redact.js';

const key = 'ueu57y6fyldz3q4ofhxgzgvzmq';
const hash = 'aeitwfq4zgnlkucspcdzxzzgrjbe6pgfpv5k2qj7ck3lxoxnwvqa';

describe('redaction', () => {
  it.each([
    ['a capability', `opened URI:CHK:${key}:${hash}:3:10:1000 today`, [key, hash]],
    ['a capability in a path', `GET /uri/URI%3ACHK%3A${key}%3A${hash}%3A3%3A10%3A1000`, [key, hash]],
    ['a capability encoded twice', `GET /uri/URI%253ACHK%253A${key}%253A${hash}%253A3`, [key, hash]],
    ['an encoded NURL', `pb%3A%2F%2F${'A'.repeat(43)}%40127.0.0.1%3A7201%2F${key}%23v%3D1`, [key]],
    ['a literal capability', `URI:LIT:${key}`, [key]],
    ['a directory capability', `URI:DIR2:${key}:${hash}`, [key, hash]],
    ['a NURL', `pb://${'A'.repeat(43)}@127.0.0.1:7201/${key}#v=1`, [key]],
    ['a FURL', `pb://${'a'.repeat(32)}@tcp:127.0.0.1:7201/${key}`, [key]],
    ['a database password', 'postgres://holdfast:hunter2@db/grid', ['hunter2']],
    ['one with a / in it', 'postgres://u:pa/ss+word==@db:5432/grid', ['pa/', 'ss+word']],
    ['one with an @ in it', 'postgresql://u:p@ss@db/grid', ['p@ss', 'ss@']],
    ['one of a mistyped URL', 'found "nats//u:hunter2@h"', ['hunter2']],
    ['one without a user', 'nats://:hunter2@h:4222', ['hunter2']],
    ['an authorization header', 'Authorization: Tahoe-LAFS dWVyd2Vya2V5Zm9vYmFy', ['dWVyd2Vya2V5Zm9vYmFy']],
    ['a lease secret', `X-Tahoe-Authorization: lease-renew-secret ${'Zm9v'.repeat(8)}`, ['Zm9vZm9v']],
    ['an upload secret', `upload-secret ${'Zm9v'.repeat(8)}`, ['Zm9vZm9v']],
    ['a signing key', `priv-v0-${hash}`, [hash]],
  ])('takes %s out of a line', (_name, line, secrets) => {
    for (const secret of secrets) {
      expect(line).toContain(secret);
      expect(redact(line)).not.toContain(secret);
    }
  });

  it('leaves what is public', () => {
    const line = `server v0-${hash} at 127.0.0.1:7201 holds 5 shares, postgres://holdfast@db/grid, nats://h:4222`;
    expect(redact(line)).toBe(line);
  });
});
