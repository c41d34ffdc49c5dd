import { Counter, Gauge, Histogram, type Registry } from '@holdfast/common/metrics';
import type { DamagedShares } from './damage/damaged-shares.js';
import type { RepairersTurns } from './http/repairers-turns.js';
import type { Leaving } from './leaving/leaving.js';
import type { Space } from './space/space.js';
import type { Uploads } from './uploads/uploads.js';

/** What this server counts, by its Prometheus names. */
export class StorageMetrics {
  readonly #registry: Registry;
  readonly #requests: Counter<'route' | 'status'>;
  readonly #seconds: Histogram<'route'>;
  readonly #stored: Counter;
  readonly #bytes: Counter<'direction'>;
  readonly #shares: Gauge<'state'>;
  readonly #collected: Counter<'what'>;
  readonly #collectionSeconds: Gauge;
  readonly #scrubbed: Counter;
  readonly #scrubbedBytes: Counter;
  readonly #slow: Counter<'direction'>;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    this.#requests = new Counter({
      name: 'holdfast_storage_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'holdfast_storage_request_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#stored = new Counter({
      name: 'holdfast_storage_shares_stored_total',
      help: 'Shares taken in since the start',
      registers,
    });
    this.#bytes = new Counter({
      name: 'holdfast_storage_share_bytes_total',
      help: 'Share data received and sent',
      labelNames: ['direction'],
      registers,
    });
    this.#scrubbed = new Counter({
      name: 'holdfast_storage_scrubbed_shares_total',
      help: 'Shares that the scrub read through',
      registers,
    });
    this.#scrubbedBytes = new Counter({
      name: 'holdfast_storage_scrubbed_bytes_total',
      help: 'Share data that the scrub read',
      registers,
    });
    this.#slow = new Counter({
      name: 'holdfast_storage_slow_clients_total',
      help: 'Transfers ended because the client was sending or taking too little',
      labelNames: ['direction'],
      registers,
    });
    this.#collected = new Counter({
      name: 'holdfast_storage_collected_total',
      help: 'Leases ended, shares and bytes removed by this process, and shares that could not be removed',
      labelNames: ['what'],
      registers,
    });
    this.#collectionSeconds = new Gauge({
      name: 'holdfast_storage_collection_seconds',
      help: 'How long the last collection took',
      registers,
    });
    this.#shares = new Gauge({
      name: 'holdfast_storage_walk_shares',
      help: 'What the last walk over all shares found: in the backend, recorded by it, recorded but not there',
      labelNames: ['state'],
      registers,
    });
  }

  scrubbed(bytes: number): void {
    this.#scrubbed.inc();
    this.#scrubbedBytes.inc(bytes);
  }

  tooSlow(direction: string): void {
    this.#slow.inc({ direction });
  }

  request(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status });
    this.#seconds.observe({ route }, seconds);
  }

  received(bytes: number): void {
    this.#bytes.inc({ direction: 'received' }, bytes);
  }

  sent(bytes: number): void {
    this.#bytes.inc({ direction: 'sent' }, bytes);
  }

  shareStored(): void {
    this.#stored.inc();
  }

  walked(found: { shares: number; adopted: number; missing: number }): void {
    this.#shares.set({ state: 'present' }, found.shares);
    this.#shares.set({ state: 'adopted' }, found.adopted);
    this.#shares.set({ state: 'missing' }, found.missing);
  }

  collected(done: { leases: number; shares: number; bytes: number; failed: number }, seconds: number): void {
    this.#collected.inc({ what: 'leases' }, done.leases);
    this.#collected.inc({ what: 'shares' }, done.shares);
    this.#collected.inc({ what: 'bytes' }, done.bytes);
    this.#collected.inc({ what: 'failed' }, done.failed);
    this.#collectionSeconds.set(seconds);
  }

  /** Shows whether the records can be relied on. */
  watchRecords(records: { readonly problem: string | undefined }): void {
    new Gauge({
      name: 'holdfast_storage_read_only',
      help: '1 while nothing is taken in because the records are missing or too old',
      registers: [this.#registry],
      collect() {
        this.set(records.problem === undefined ? 0 : 1);
      },
    });
  }

  /** Shows whether this server is being taken away. */
  watchLeaving(leaving: Pick<Leaving, 'now'>): void {
    new Gauge({
      name: 'holdfast_storage_leaving',
      help: '1 while no new shares are taken in because the operator is taking this server away',
      registers: [this.#registry],
      collect() {
        this.set(leaving.now ? 1 : 0);
      },
    });
  }

  /** Shows how many requests of repairers there are. */
  watchRepairers(repairers: Pick<RepairersTurns, 'count'>): void {
    new Gauge({
      name: 'holdfast_storage_repairer_requests',
      help: 'Requests of repairers that are worked on, and that wait for a turn',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        const { working, waiting } = repairers.count;
        this.set({ state: 'working' }, working);
        this.set({ state: 'waiting' }, waiting);
      },
    });
  }

  /** Shows what the parts of the running server know themselves, whenever somebody looks. */
  watch(uploads: Uploads, space: Space, damaged: DamagedShares): void {
    const registers = [this.#registry];
    new Gauge({
      name: 'holdfast_storage_open_uploads',
      help: 'Shares on their way in',
      registers,
      collect() {
        this.set(uploads.count);
      },
    });
    new Gauge({
      name: 'holdfast_storage_damaged_shares',
      help: 'Shares that are kept but neither listed nor read, because they are damaged',
      registers,
      collect() {
        this.set(damaged.count);
      },
    });
    new Gauge({
      name: 'holdfast_storage_promised_bytes',
      help: 'Space promised to uploads and not yet written',
      registers,
      collect() {
        this.set(space.promised);
      },
    });
    new Gauge({
      name: 'holdfast_storage_available_bytes',
      help: 'Space that can still be promised',
      registers,
      async collect() {
        this.set(await space.available());
      },
    });
  }

  /** Shows what the accounts of this server use together; no number while Postgres is away. */
  watchUsage(usage: () => Promise<{ readonly bytes: number; readonly shares: number }>): void {
    const registers = [this.#registry];
    const unknown = { bytes: Number.NaN, shares: Number.NaN };
    new Gauge({
      name: 'holdfast_storage_leased_bytes',
      help: 'Share data under leases, each share once for each account that holds it',
      registers,
      async collect() {
        this.set((await usage().catch(() => unknown)).bytes);
      },
    });
    new Gauge({
      name: 'holdfast_storage_leased_shares',
      help: 'Shares under leases, each once for each account that holds it',
      registers,
      async collect() {
        this.set((await usage().catch(() => unknown)).shares);
      },
    });
  }
}
