import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BusAccess } from '@holdfast/common/configuration';
import { type ControlServer, openControlServer } from '../control/control-server.js';
import type { LabStatus } from '../control/status.js';
import { becomeSupervisor, removeSupervisorNote } from '../control/supervisor-note.js';
import { type TemporaryFolder, temporaryFolder } from '../files/temporary-folder.js';
import { removePostgresHome } from '../servers/postgres-home.js';
import { moveAddress } from './addresses.js';
import { type Backing, dropDatabases, ensureDatabases, startBacking } from './backing.js';
import { waitForServers } from './broker-state.js';
import { describeLab, readNodeFacts } from './describe-lab.js';
import { LabError } from './errors.js';
import { type LabDescription, removeLabJson, writeLabJson } from './lab-json.js';
import { makeNodes } from './make-nodes.js';
import { startNodeProcess } from './node-process.js';
import {
  checkSize,
  type LabPlan,
  type LabSize,
  makePlan,
  type PlannedNode,
  readPlan,
  writePlan,
} from './plan.js';
import { ProcessSet } from './process-set.js';
import { giveAccount, grantRepairers, isGrantedAt } from './repairer-account.js';
import { endRecordedProcesses } from './running-processes.js';

/** How to bring up a lab. */
export interface LabOptions extends LabSize {
  /** Its folder, kept for the next start; a temporary one, removed when the lab is disposed, where not given. */
  readonly dir?: string;
  /** Hears in plain lines what is being done, and of a node that ended by itself later. */
  readonly onProgress?: (line: string) => void;
  /** Ends the lab, also while it is coming up. */
  readonly signal?: AbortSignal;
}

const backings = ['postgres', 'nats'] as const;

/**
 * A whole grid of real processes on this machine: Postgres, NATS, an introducer, storage servers, brokers, repairers. It runs
 * under this process and does not outlive it.
 */
export class Lab implements AsyncDisposable {
  /** Its folder: `lab.json`, and a folder for each node by its nickname. */
  readonly dir: string;
  readonly #temporary: TemporaryFolder | undefined;
  readonly #say: (line: string) => void;
  readonly #processes: ProcessSet;
  readonly #backings = new Map<(typeof backings)[number], Backing>();
  #plan: LabPlan | undefined;
  #facts: Awaited<ReturnType<typeof readNodeFacts>> | undefined;
  /** There once the notes in the folder are ours: until then they are those of the lab that runs, if one does. */
  #control: ControlServer | undefined;
  readonly #givingUp = new AbortController();
  #state: LabStatus['state'] = 'starting';
  #ending: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #announceEnd: () => void = () => {};
  /** Resolves when the lab has ended, whoever asked for it. */
  readonly ended = new Promise<void>((resolve) => {
    this.#announceEnd = resolve;
  });

  private constructor(dir: string, temporary: TemporaryFolder | undefined, say: (line: string) => void) {
    this.dir = resolve(dir);
    this.#temporary = temporary;
    this.#say = say;
    this.#processes = new ProcessSet(this.dir, say);
  }

  /**
   * Brings a lab up, a new one or the one that is in `dir`, and resolves when every broker is connected to every
   * storage server.
   *
   * @throws LabError, EarlyExitError, DeadlineError, ProgramMissingError; nothing is left running then
   */
  static async up(options: LabOptions = {}): Promise<Lab> {
    const temporary = options.dir === undefined ? await temporaryFolder('lab') : undefined;
    const lab = new Lab(options.dir ?? temporary?.path ?? '', temporary, options.onProgress ?? (() => {}));
    options.signal?.addEventListener('abort', () => void lab.down());
    try {
      options.signal?.throwIfAborted();
      await lab.#start(options);
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What `lab.json` says. */
  get description(): LabDescription {
    if (this.#facts === undefined) throw new LabError('not-running', 'the lab is not up');
    return describeLab({
      dir: this.dir,
      plan: this.#laidOut(),
      postgres: this.#backings.get('postgres')?.url ?? '',
      nats: this.#backings.get('nats'),
      facts: this.#facts,
      pid: (nickname) => this.#processes.pid(nickname),
    });
  }

  /** The web API of the first broker. */
  get broker(): string {
    return this.description.broker;
  }

  /** How to reach the bus; of a guarded one as its operator. */
  get bus(): BusAccess {
    const nats = this.#backings.get('nats');
    if (nats === undefined) throw new LabError('not-running', 'the lab is not up');
    return { url: nats.url, ca: nats.guard?.ca };
  }

  /** Stops one process by its nickname (`s1`, `broker1`, `introducer`, `nats`, `postgres`) in good order. */
  stop(nickname: string): Promise<void> {
    return this.#inTurn(() => this.#processes.end(this.#known(nickname), 'stop'));
  }

  /** SIGKILL. */
  kill(nickname: string): Promise<void> {
    return this.#inTurn(() => this.#processes.end(this.#known(nickname), 'kill'));
  }

  /** Starts a stopped process again, and resolves when it can serve. */
  start(nickname: string): Promise<void> {
    return this.#inTurn(async () => {
      const backing = backings.find((name) => name === this.#known(nickname));
      if (backing) await this.#startBacking(backing);
      else await this.#startNode(nickname);
    });
  }

  /** Waits until the broker (the first where not given) is connected to exactly so many storage servers. */
  waitForServers(count: number, broker = this.broker): Promise<void> {
    return waitForServers(broker, count);
  }

  status(): LabStatus {
    const row = (nickname: string, role: string, url: string) => {
      return { nickname, role, pid: this.#processes.pid(nickname), url };
    };
    const nodes = this.#plan?.nodes ?? [];
    return {
      dir: this.dir,
      supervisor: process.pid,
      state: this.#state,
      processes: [
        ...[...this.#backings]
          .filter(([, { process }]) => process !== undefined)
          .map(([name, { port }]) => row(name, name, `127.0.0.1:${port}`)),
        ...nodes.map((node) =>
          row(node.nickname, node.role, `127.0.0.1:${node.listenPort ?? node.operatorPort}`),
        ),
      ],
    };
  }

  /** Ends every process in good order, the nodes first. The folder stays as it is, for the next start. */
  down(): Promise<void> {
    this.#ending ??= this.#end();
    this.#givingUp.abort(new LabError('ending', 'the lab is being ended'));
    return this.#ending;
  }

  /** Ends the lab, and removes its folder and databases where that was a temporary one. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    if (this.#temporary === undefined) return;
    if (this.#plan?.postgres === 'given')
      await dropDatabases(this.#backings.get('postgres')?.url ?? '', this.#plan);
    await removePostgresHome(join(this.dir, 'postgres'));
    await this.#temporary[Symbol.asyncDispose]();
  }

  async #start(options: LabOptions): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    const existing = await readPlan(this.dir);
    if (existing) checkSize(this.dir, existing, options);
    await this.#takeCharge();
    await removeLabJson(this.dir);
    const leftovers = await endRecordedProcesses(this.dir);
    if (leftovers > 0) this.#say(`Ended ${leftovers} processes that an earlier run had left.`);

    const { DATABASE_URL, NATS_URL } = process.env;
    this.#plan = existing ?? (await makePlan(options, { postgres: !!DATABASE_URL, nats: !!NATS_URL }));
    await writePlan(this.dir, this.#plan);
    await this.#startAll(this.#plan);
  }

  /** Becomes the one that runs what is in the folder, unless another does, or the end is asked for meanwhile. */
  async #takeCharge(): Promise<void> {
    const control = await openControlServer({
      status: () => this.status(),
      stop: (nickname) => this.stop(nickname),
      start: (nickname) => this.start(nickname),
      down: () => void this.down(),
    });
    const { url, token } = control;
    try {
      await becomeSupervisor(this.dir, { pid: process.pid, url, token }, this.#givingUp.signal);
      if (this.#ending !== undefined) {
        await removeSupervisorNote(this.dir);
        throw new LabError('ending', 'the lab is being ended');
      }
    } catch (error) {
      control.close();
      throw error;
    }
    this.#control = control;
  }

  async #startAll(plan: LabPlan): Promise<void> {
    this.#say('Starting Postgres and NATS…');
    const [postgres, nats] = await together(backings.map((name) => this.#startBacking(name)));
    if (!postgres || !nats) return;
    this.#say(`Making and starting ${plan.nodes.length} nodes…`);
    await ensureDatabases(postgres.url, plan);
    await makeNodes(this.dir, plan, { postgres: postgres.url, nats });
    const repairers = repairersOf(plan);
    await together(
      plan.nodes.filter((node) => !repairers.includes(node)).map(({ nickname }) => this.#startNode(nickname)),
    );
    if (repairers.length > 0) await grantRepairers(this.dir, plan);
    await together(
      repairers.map(async (node) => {
        // Also to one that was made before: the start that made it may have ended in between.
        await giveAccount(this.dir, node);
        await this.#startNode(node.nickname);
      }),
    );
    this.#facts = await readNodeFacts(this.dir, plan, nats);
    this.#say('Waiting until the storage servers are connected…');
    const count = plan.nodes.filter((node) => node.role === 'storage').length;
    for (const broker of this.description.brokers) await waitForServers(broker, count);
    this.#state = 'running';
    await this.#noteChange();
  }

  async #startBacking(name: (typeof backings)[number]): Promise<Backing> {
    const plan = this.#laidOut();
    const marker = join(this.dir, name);
    const backing = await this.#processes.start(name, marker, () => startBacking(name, this.dir, plan));
    this.#backings.set(name, backing);
    const planned = plan[name];
    if (planned !== 'given' && backing.port !== undefined && planned !== backing.port) {
      for (const node of plan.nodes) await moveAddress(this.#folder(node), planned, backing.port);
      plan[name] = backing.port;
      await writePlan(this.dir, plan);
    }
    return backing;
  }

  async #startNode(nickname: string): Promise<void> {
    const plan = this.#laidOut();
    const node = plan.nodes.find((one) => one.nickname === nickname);
    if (node === undefined) throw new LabError('no-such-node', `the lab has no ${nickname}`);
    const folder = this.#folder(node);
    await this.#processes.start(nickname, folder, async () => ({
      process: await startNodeProcess(folder, node),
    }));
    await writePlan(this.dir, plan);
    // While the lab comes up, they are told when all storage servers have started.
    if (node.role === 'storage' && this.#state === 'running') await this.#tellRepairers(plan, node);
  }

  /** Tells the repairers at which port a storage server is reached, if it had to take another. */
  async #tellRepairers(plan: LabPlan, server: PlannedNode): Promise<void> {
    const repairers = repairersOf(plan);
    if (repairers.length === 0 || (await isGrantedAt(this.dir, server))) return;
    await grantRepairers(this.dir, plan);
    await together(repairers.map((node) => giveAccount(this.dir, node)));
  }

  async #end(): Promise<void> {
    this.#state = 'stopping';
    await this.#processes.close();
    const endAll = (nicknames: readonly string[]) => {
      const running = nicknames.filter((nickname) => this.#processes.pid(nickname) !== null);
      return Promise.all(running.map((nickname) => this.#processes.end(nickname, 'stop').catch(() => {})));
    };
    await endAll((this.#plan?.nodes ?? []).map((node) => node.nickname));
    await endAll(backings);
    if (this.#control) {
      await removeLabJson(this.dir);
      await removeSupervisorNote(this.dir);
      this.#control.close();
    }
    this.#announceEnd();
  }

  /** One change at a time, and `lab.json` after each. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      await change();
      await this.#noteChange();
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #noteChange(): Promise<void> {
    if (this.#state === 'running') await writeLabJson(this.dir, this.description);
  }

  #laidOut(): LabPlan {
    if (this.#plan === undefined) throw new LabError('not-running', 'the lab is not up');
    return this.#plan;
  }

  #known(nickname: string): string {
    const names = [...this.status().processes.map((one) => one.nickname)];
    if (names.includes(nickname)) return nickname;
    throw new LabError('no-such-node', `the lab has no ${nickname}; it has ${names.join(', ')}`);
  }

  #folder(node: PlannedNode): string {
    return join(this.dir, node.nickname);
  }
}

function repairersOf({ nodes }: LabPlan): PlannedNode[] {
  return nodes.filter(({ role }) => role === 'repairer');
}

/** Waits for all to settle before it rejects, so that nothing goes on behind the back of the caller. */
async function together<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
