import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LabStatus } from './status.js';

/** What another process can ask of a lab. */
export interface Controlled {
  status(): LabStatus;
  stop(nickname: string): Promise<void>;
  start(nickname: string): Promise<void>;
  /** Begins to end the lab. */
  down(): void;
}

/** The port by which `holdfast lab status|stop|start|down` reach the process that runs the lab. */
export interface ControlServer {
  readonly url: string;
  readonly token: string;
  close(): void;
}

/** Listens on a loopback port; only who can read the token in the lab's folder is heard. */
export async function openControlServer(lab: Controlled): Promise<ControlServer> {
  const token = randomBytes(24).toString('hex');
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (!carriesToken(request, token)) answer(403, { error: 'wrong token' });
    else {
      obey(lab, request).then(
        (result) => answer(200, result ?? {}),
        (error: Error) => answer(409, { error: error.message }),
      );
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function obey(lab: Controlled, request: IncomingMessage): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://lab');
  const nickname = searchParams.get('nickname') ?? '';
  switch (pathname) {
    case '/status':
      return lab.status();
    case '/stop':
      return lab.stop(nickname);
    case '/start':
      return lab.start(nickname);
    case '/down':
      return lab.down();
    default:
      throw new Error(`the lab knows no ${pathname}`);
  }
}

function carriesToken(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const expected = Buffer.from(`Bearer ${token}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
