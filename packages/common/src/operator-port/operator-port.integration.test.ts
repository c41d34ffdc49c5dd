import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Counter, createRegistry } from '../metrics/index.js';
import { type OperatorPort, openOperatorPort } from './index.js';

const anywhere = { host: '127.0.0.1', port: 0 };

describe('the operator port', () => {
  let port: OperatorPort;
  let database: true | string;
  const registry = createRegistry({ service: 'test', nickname: 'n1' });
  const counter = new Counter({ name: 'things_total', help: 'Things', registers: [registry] });
  beforeEach(async () => {
    database = 'Postgres has not answered yet';
    const checks = { database: () => database, bus: () => true as const };
    port = await openOperatorPort({ listen: anywhere, registry, checks });
  });
  afterEach(() => port.close());
  const ask = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${port.address.port}${path}`, { method });

  it('says that the process is alive, whether or not it can serve', async () => {
    const answer = await ask('/healthz');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('ok\n');
  });

  it('says 503 and what is missing until all is there, then 200', async () => {
    const before = await ask('/readyz');
    expect(before.status).toBe(503);
    expect(await before.json()).toEqual({
      ready: false,
      checks: { database: 'Postgres has not answered yet', bus: true },
    });
    database = true;
    const after = await ask('/readyz');
    expect(after.status).toBe(200);
    expect(await after.json()).toEqual({ ready: true, checks: { database: true, bus: true } });
    database = 'gone';
    expect((await ask('/readyz?verbose')).status).toBe(503);
  });

  it('shows what is counted, labelled with the node', async () => {
    counter.inc(3);
    const answer = await ask('/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await answer.text();
    expect(text).toMatch(/^things_total\{service="test",nickname="n1"\} 3$/m);
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('knows nothing else, and changes nothing', async () => {
    expect((await ask('/')).status).toBe(404);
    expect((await ask('/healthz', 'POST')).status).toBe(405);
    expect((await ask('/healthz', 'HEAD')).status).toBe(200);
  });

  it('refuses an address that is taken', async () => {
    const listen = { host: '127.0.0.1', port: port.address.port };
    await expect(openOperatorPort({ listen, registry, checks: {} })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  it('closes at once, though a client keeps its connection', async () => {
    await ask('/healthz');
    await port.close();
    await expect(ask('/healthz')).rejects.toThrow();
  });
});
