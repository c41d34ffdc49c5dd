import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, isIP, type Socket } from 'node:net';

/** What a proxy was asked for. */
export interface SocksRequest {
  /** The name or address as it came: a name was not looked up by the client. */
  readonly host: string;
  readonly port: number;
  /** The name and password that it was shown; undefined where it asked for none. */
  readonly shown: { readonly username: string; readonly password: string } | undefined;
}

/** How a proxy behaves: as it should, or as one that is broken. */
export type SocksBehaviour =
  /** Carries connections, and takes a name and password where they are offered. */
  | 'carries'
  /** Carries connections, and asks nobody for a name. */
  | 'asks no name'
  /** Says that it cannot reach the host. */
  | 'refuses'
  /** Takes connections and says nothing. */
  | 'says nothing'
  /** Greets, and never says what became of the request. */
  | 'never reaches'
  | 'closes'
  /** Speaks another protocol. */
  | 'talks nonsense';

/** A SOCKS5 proxy (RFC 1928, 1929) that remembers what it was asked for. */
export interface SocksProxy extends AsyncDisposable {
  /** As a `connections.yaml` names it. */
  readonly endpoint: string;
  readonly requests: readonly SocksRequest[];
  behave(behaviour: SocksBehaviour): void;
}

/** Where a proxy listens, and what the names mean that only it knows. */
export interface SocksProxyOptions {
  /** A Unix socket instead of a loopback port. */
  readonly path?: string;
  /** Where connections to a name go; a name that is not here goes to the loopback address. */
  readonly names?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
}

/** Starts a SOCKS5 proxy. */
export async function startSocksProxy({ path, names = {} }: SocksProxyOptions = {}): Promise<SocksProxy> {
  const requests: SocksRequest[] = [];
  const sockets = new Set<Socket>();
  let behaviour: SocksBehaviour = 'carries';
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const listener = createServer((client) => {
    keep(client);
    serve(client).catch(() => client.destroy());
  });

  async function serve(client: Socket): Promise<void> {
    if (behaviour === 'closes') client.destroy();
    if (behaviour === 'talks nonsense') client.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    const take = reader(client);
    const [, methodCount = 0] = await take(2);
    const methods = await take(methodCount);
    if (behaviour === 'says nothing') return;
    const asksName = behaviour !== 'asks no name' && methods.includes(2);
    client.write(Buffer.from([5, asksName ? 2 : 0]));
    const shown = asksName ? await readName(client, take) : undefined;
    const { host, port } = await readPlace(take);
    requests.push({ host, port, shown });
    if (behaviour === 'never reaches') return;
    const answer = (reply: number) => client.write(Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]));
    if (behaviour === 'refuses') {
      answer(4);
      client.end();
      return;
    }
    const goal = names[host] ?? { host: isIP(host) ? host : '127.0.0.1', port };
    const upstream = connect(goal);
    keep(upstream);
    upstream.once('error', () => {
      answer(5);
      client.end();
    });
    await once(upstream, 'connect');
    answer(0);
    take.rest(upstream);
    upstream.pipe(client);
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }

  listener.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path });
  await once(listener, 'listening');
  return {
    endpoint:
      path === undefined ? `tcp:127.0.0.1:${(listener.address() as AddressInfo).port}` : `unix:${path}`,
    requests,
    behave: (next) => {
      behaviour = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
      if (path !== undefined) await rm(path, { force: true });
    },
  };
}

/** Reads a socket so many bytes at a time; `rest` gives up reading, and hands on what came too early. */
interface Take {
  (size: number): Promise<Buffer>;
  rest(to: Socket): void;
}

function reader(socket: Socket): Take {
  let held = Buffer.alloc(0);
  let wake: () => void = () => undefined;
  const onData = (data: Buffer) => {
    held = Buffer.concat([held, data]);
    wake();
  };
  socket.on('data', onData).once('close', () => wake());
  const take = async (size: number) => {
    while (held.length < size) {
      if (socket.destroyed) throw new Error('closed');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const taken = held.subarray(0, size);
    held = held.subarray(size);
    return taken;
  };
  return Object.assign(take, {
    rest: (to: Socket) => {
      socket.off('data', onData);
      if (held.length > 0) to.write(held);
    },
  });
}

async function readName(client: Socket, take: Take): Promise<SocksRequest['shown']> {
  const [, nameLength = 0] = await take(2);
  const username = (await take(nameLength)).toString();
  const [passwordLength = 0] = await take(1);
  const password = (await take(passwordLength)).toString();
  client.write(Buffer.from([1, 0]));
  return { username, password };
}

async function readPlace(take: Take): Promise<{ host: string; port: number }> {
  const [, , , kind] = await take(4);
  let host: string;
  if (kind === 1) host = (await take(4)).join('.');
  else if (kind === 3) host = (await take((await take(1))[0] ?? 0)).toString();
  else host = (await take(16)).toString('hex').match(/.{4}/g)?.join(':') ?? '';
  return { host, port: (await take(2)).readUInt16BE() };
}
