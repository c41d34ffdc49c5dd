import { Counter, Gauge, type Registry } from '@holdfast/common/metrics';
import type { ServerStatus } from './server-connection.js';

/** Shows how every server's connection is doing, as figures. A server that is forgotten is in none of them. */
export function measureConnections(registry: Registry, statuses: () => readonly ServerStatus[]): void {
  new Gauge({
    name: 'holdfast_storage_servers',
    help: 'Storage servers known, by the state of the connection',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const now = statuses();
      for (const state of ['connecting', 'connected', 'unreachable'] as const)
        this.set({ state }, now.filter((status) => status.state === state).length);
    },
  });
  new Gauge({
    name: 'holdfast_storage_server_connected',
    help: 'Whether a storage server can be used: 1 or 0',
    // Not `nickname`, which is that of the node whose figures these are.
    labelNames: ['server', 'server_nickname'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { id, nickname, state } of statuses())
        this.set({ server: id, server_nickname: nickname }, state === 'connected' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'holdfast_storage_server_reached_seconds',
    help: 'When a storage server answered last, in seconds since 1970',
    labelNames: ['server'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { id, lastReached } of statuses())
        if (lastReached) this.set({ server: id }, lastReached.getTime() / 1000);
    },
  });
  new Counter({
    name: 'holdfast_storage_server_failures_total',
    help: 'How often a storage server was found unreachable, by what was wrong',
    labelNames: ['server', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { id, failures } of statuses())
        for (const [reason, count] of failures) this.inc({ server: id, reason }, count);
    },
  });
}
