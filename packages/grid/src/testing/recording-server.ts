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
import {
  decodeAllocateRequest,
  encodeAllocateAnswer,
  encodeServerVersion,
  encodeShareNumbers,
  encodeWriteAnswer,
  formatFurl,
  formatNurl,
  matchRoute,
  parseContentRange,
} from '@holdfast/lafs';
import type { KnownServer } from '../connections/known-server.js';
import { type ClientHello, readClientHello } from './client-hello.js';

/** A request as it came in: names and values in order, as they were written. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A connection as a server sees it. */
export interface RecordedConnection {
  readonly hello: ClientHello;
  readonly resumed: boolean;
  /** Whether the client showed a certificate, which it was asked for. */
  readonly certificate: boolean;
}

/** A server that takes whatever share it is offered, keeps none, and remembers what it could see of its client. */
export interface RecordingServer extends AsyncDisposable {
  readonly known: KnownServer;
  readonly port: number;
  /** How many TCP connections were opened to it. */
  readonly knocks: () => number;
  readonly connections: readonly RecordedConnection[];
  readonly requests: readonly RecordedRequest[];
  forgetRequests(): void;
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

/** Starts a recording server with an identity of its own. */
export async function startRecordingServer(nickname: string): Promise<RecordingServer> {
  const tls = parseNodePem(await generateNodePem());
  const connections: RecordedConnection[] = [];
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  const hellos = new Map<number, ClientHello>();
  let knocks = 0;
  let hanging = false;
  let losing = false;
  const begun = new Set<string>();
  const shareSizes = new Map<string, number>();

  const https = createHttpsServer({
    cert: tls.certificate,
    key: tls.key,
    requestCert: true,
    rejectUnauthorized: false,
  });
  https.on('secureConnection', (socket: TLSSocket) => {
    connections.push({
      hello: hellos.get(socket.remotePort ?? 0) as ClientHello,
      resumed: socket.isSessionReused(),
      certificate: Object.keys(socket.getPeerCertificate()).length > 0,
    });
  });
  https.on('request', async (request, response) => {
    const raw = request.rawHeaders;
    const headers = raw.flatMap((name, index) =>
      index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : [],
    );
    const path = request.url ?? '';
    requests.push({ method: request.method ?? '', path, headers });
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk);
    if (hanging) return;
    const answer = answerTo(request.method ?? '', path, Buffer.concat(body), {
      shareSizes,
      begun,
      contentRange: request.headers['content-range'],
    });
    if (losing && matchRoute(request.method ?? '', path).name === 'allocateShares') {
      losing = false;
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/cbor' }).end(answer.body);
  });

  const listener = createServer((socket) => {
    knocks++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.once('data', (hello) => {
      hellos.set(socket.remotePort ?? 0, readClientHello(hello));
      socket.pause();
      socket.unshift(hello);
      https.emit('connection', socket);
    });
  });
  let port = 0;
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
    known: describeServer(nickname, tls, port),
    port,
    knocks: () => knocks,
    connections,
    requests,
    forgetRequests: () => requests.splice(0),
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

function answerTo(
  method: string,
  path: string,
  body: Buffer,
  seen: {
    readonly shareSizes: Map<string, number>;
    /** Shares of which an upload has begun. */
    readonly begun: Set<string>;
    readonly contentRange: string | undefined;
  },
): { status: number; body?: Uint8Array } {
  const { shareSizes, begun, contentRange } = seen;
  const route = matchRoute(method, path);
  switch (route.name) {
    case 'version': {
      const large = 2n ** 40n;
      const sizes = {
        maximumImmutableShareSize: large,
        maximumMutableShareSize: large,
        availableSpace: large,
      };
      return { status: 200, body: encodeServerVersion({ ...sizes, applicationVersion: 'recorder/1' }) };
    }
    case 'listShares':
      return { status: 200, body: encodeShareNumbers(new Set()) };
    case 'allocateShares': {
      const { shareNumbers, allocatedSize } = decodeAllocateRequest(body);
      // As with the peer, nothing is said of shares that are on their way already.
      const allocated = new Set([...shareNumbers].filter((share) => !begun.has(`${path}/${share}`)));
      for (const share of allocated) {
        shareSizes.set(`${path}/${share}`, allocatedSize);
        begun.add(`${path}/${share}`);
      }
      return { status: 200, body: encodeAllocateAnswer({ alreadyHave: new Set(), allocated }) };
    }
    case 'writeShare': {
      const complete = parseContentRange(contentRange ?? '')?.end === shareSizes.get(path);
      if (complete) begun.delete(path);
      return { status: complete ? 201 : 200, body: encodeWriteAnswer([]) };
    }
    case 'abortUpload':
      return { status: begun.delete(path.replace(/\/abort$/, '')) ? 200 : 404 };
    default:
      return { status: 404 };
  }
}
