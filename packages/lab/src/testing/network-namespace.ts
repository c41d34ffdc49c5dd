import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network of its own: a loopback interface, and one that takes whatever is sent anywhere else and counts it. */
export interface NetworkNamespace extends AsyncDisposable {
  /** Starts a program in it under a tracer, which writes every connection and datagram to `trace`. */
  start(program: readonly string[], trace: string): ChildProcess;
  /** Runs JavaScript in it, and gives what it prints. */
  evaluate(script: string): Promise<string>;
  /** How many packets were sent to anywhere but the loopback interface. */
  sent(): Promise<number>;
}

/** Why this machine has no network namespaces for tests, or no tracer; undefined where it has. */
export async function whyNoNetworkNamespace(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may make a network namespace';
  const name = `holdfast-probe-${process.pid}`;
  try {
    await run('ip', ['netns', 'add', name]);
    const inside = (...command: string[]) => run('ip', ['netns', 'exec', name, ...command]);
    await inside('ip', 'link', 'add', 'nowhere', 'type', 'veth', 'peer', 'name', 'beyond');
    await inside('strace', '-f', '-o', '/dev/null', 'true');
    return undefined;
  } catch (error) {
    return `no network namespace or no strace: ${(error as Error).message}`;
  } finally {
    await run('ip', ['netns', 'del', name]).catch(() => undefined);
  }
}

/** Makes a network namespace whose every way out leads nowhere. */
export async function makeNetworkNamespace(): Promise<NetworkNamespace> {
  const name = `holdfast-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const ip = (...args: string[]) => run('ip', args);
  const inside = (...args: string[]) => ip('netns', 'exec', name, ...args);
  const remove = async () => {
    await ip('netns', 'del', name);
  };
  await ip('netns', 'add', name);
  try {
    // Of itself IPv6 says hello to its neighbours.
    await inside('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1');
    await inside('ip', 'link', 'set', 'lo', 'up');
    await inside('ip', 'link', 'add', 'nowhere', 'type', 'veth', 'peer', 'name', 'beyond');
    await inside('ip', 'address', 'add', '10.255.0.1/24', 'dev', 'nowhere');
    for (const end of ['nowhere', 'beyond']) await inside('ip', 'link', 'set', end, 'arp', 'off', 'up');
    await inside('ip', 'route', 'add', 'default', 'dev', 'nowhere');
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    start: (program, trace) =>
      spawn(
        'ip',
        [
          ...['netns', 'exec', name, 'strace', '-f', '-qq', '-o', trace],
          ...['-e', 'trace=connect,sendto,sendmsg,sendmmsg', ...program],
        ],
        { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
      ),
    evaluate: async (script) => (await inside(process.execPath, '--input-type=module', '-e', script)).stdout,
    sent: async () => {
      const { stdout } = await inside('cat', '/sys/class/net/nowhere/statistics/tx_packets');
      return Number(stdout);
    },
    [Symbol.asyncDispose]: remove,
  };
}

/** Ends a traced program in good order, and gives its exit status. */
export async function endTraced(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  // The tracer waits for its program, which is in the same process group.
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  return (await exited)[0] as number | null;
}

/** Where a traced program connected to or sent to: each address once, as the tracer writes it. */
export async function destinations(trace: string): Promise<string[]> {
  const addresses = (await readFile(trace, 'utf8')).matchAll(/\{sa_family=[^}]*\}/g);
  return [...new Set([...addresses].map(([address]) => address))];
}
