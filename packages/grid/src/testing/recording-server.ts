import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  generateNodePem,
  generateSigningKey,
  parseNodePem,
  parseSigningKey,
  publicKeyText,
  type TlsIdentity,
} from '@holdfast/common/identity';
import { formatFurl, formatNurl, matchRoute } from '@holdfast/lafs';
import type { KnownServer } from '../connections/known-server.js';
import { type ClientHello, readClientHello } from './client-hello.js';
import { takeAnyShare } from './take-any-share.js';

/** A request as it came in: names and values in order, as they were written. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What a request is answered. */
export interface GivenAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** Does what a recorded request asks for. */
export type Answering = (request: RecordedRequest, body: Buffer) => GivenAnswer | Promise<GivenAnswer>;

/** A connection as a server sees it. */
export interface RecordedConnection {
  /** When its first bytes came, in milliseconds since 1970. */
  readonly at: number;
  readonly hello: ClientHello;
  readonly resumed: boolean;
  /** Whether the client showed a certificate, which it was asked for. */
  readonly certificate: boolean;
}

/** A server that remembers what it could see of its client. */
export interface RecordingServer extends AsyncDisposable {
  readonly known: KnownServer;
  readonly port: number;
  /** How many TCP connections were opened to it. */
  readonly knocks: () => number;
  /** How many of them are open. */
  readonly open: () => number;
  readonly connections: readonly RecordedConnection[];
  readonly requests: readonly RecordedRequest[];
  /** Forgets the connections and requests of before. */
  forget(): void;
  /** It does what the next request for room asks, and closes the connection instead of answering. */
  loseAllocation(): void;
  /** It answers no request any more. */
  hang(): void;
  /** Closes every connection, and listens on. */
  hangUp(): void;
  /** Ends listening, and every connection. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** What a recording server is made with. */
export interface RecordingServerOptions {
  readonly tls: TlsIdentity;
  /** What would be announced of it at a loopback port. */
  readonly describe: (port: number) => KnownServer | Promise<KnownServer>;
  readonly answering: Answering;
  /** Where it listens; anywhere where not given. */
  readonly port?: number;
}

/** Starts a recording server with an identity of its own, which takes whatever share it is offered and keeps none. */
export async function startRecordingServer(nickname: string): Promise<RecordingServer> {
  const tls = parseNodePem(await generateNodePem());
  const describe = (port: number) => describeServer(nickname, tls, port);
  return openRecordingServer({ tls, describe, answering: takeAnyShare() });
}

/** Starts a recording server. */
export async function openRecordingServer(options: RecordingServerOptions): Promise<RecordingServer> {
  const { tls, describe, answering } = options;
  const connections: RecordedConnection[] = [];
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  const hellos = new Map<number, Pick<RecordedConnection, 'at' | 'hello'>>();
  let knocks = 0;
  let hanging = false;
  let losing = false;

  const https = createHttpsServer({
    cert: tls.certificate,
    key: tls.key,
    requestCert: true,
    rejectUnauthorized: false,
  });
  https.on('secureConnection', (socket: TLSSocket) => {
    connections.push({
      ...(hellos.get(socket.remotePort ?? 0) as Pick<RecordedConnection, 'at' | 'hello'>),
      resumed: socket.isSessionReused(),
      certificate: Object.keys(socket.getPeerCertificate()).length > 0,
    });
  });
  https.on('request', async (request, response) => {
    const raw = request.rawHeaders;
    const headers = raw.flatMap((name, index) =>
      index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : [],
    );
    const { method = '', url: path = '' } = request;
    const recorded = { method, path, headers };
    requests.push(recorded);
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk);
    if (hanging) return;
    const answer = await answering(recorded, Buffer.concat(body));
    if (losing && matchRoute(method, path).name === 'allocateShares') {
      losing = false;
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, [...answer.headers]).end(answer.body);
  });

  const listener = createServer((socket) => {
    knocks++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.once('data', (hello) => {
      hellos.set(socket.remotePort ?? 0, { at: Date.now(), hello: readClientHello(hello) });
      socket.pause();
      socket.unshift(hello);
      https.emit('connection', socket);
    });
  });
  let { port = 0 } = options;
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  const start = async () => {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    port = (listener.address() as AddressInfo).port;
  };
  const stop = async () => {
    if (!listener.listening) return;
    listener.close();
    hangUp();
    await once(listener, 'close');
  };
  await start();
  return {
    known: await describe(port),
    port,
    knocks: () => knocks,
    open: () => sockets.size,
    connections,
    requests,
    forget: () => {
      requests.length = 0;
      connections.length = 0;
    },
    loseAllocation: () => {
      losing = true;
    },
    hang: () => {
      hanging = true;
    },
    hangUp,
    stop,
    start,
    [Symbol.asyncDispose]: async () => {
      await stop();
      https.close();
    },
  };
}

/** What would be announced of a server of this certificate at a loopback port. */
export function describeServer(nickname: string, tls: TlsIdentity, port: number): KnownServer {
  const swissnum = `swissnum-of-${nickname}`;
  const place = { host: '127.0.0.1', port };
  return {
    id: publicKeyText(parseSigningKey(generateSigningKey())),
    nickname,
    nurls: [formatNurl({ spkiHash: tls.spkiHash, ...place, swissnum })],
    furl: formatFurl({ tubId: tls.tubId, hints: [{ transport: 'tcp', ...place }], swissnum }),
    source: 'test',
  };
}
