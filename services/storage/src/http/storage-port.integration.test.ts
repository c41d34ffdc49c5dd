import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { startTestServer } from '../testing/test-server.js';

it('speaks TLS 1.3 with AES-128, and resumes no session', async () => {
  await using server = await startTestServer();
  const { hostname, port } = new URL(server.client.origin);
  const options = { host: hostname, port: Number(port), rejectUnauthorized: false };
  const sessions: Buffer[] = [];
  const first = connect(options);
  first.on('session', (session) => sessions.push(session));
  await new Promise((resolve) => first.once('secureConnect', resolve));
  expect([first.getProtocol(), first.getCipher().name]).toEqual(['TLSv1.3', 'TLS_AES_128_GCM_SHA256']);
  first.write('GET /storage/v1/version HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => first.once('data', resolve));
  first.destroy();
  for (const session of sessions) {
    const second = connect({ ...options, session });
    await new Promise((resolve) => second.once('secureConnect', resolve));
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  }
  const old = connect({ ...options, maxVersion: 'TLSv1.2' });
  await expect(
    new Promise((resolve, reject) => old.once('secureConnect', resolve).once('error', reject)),
  ).rejects.toThrow();
});
