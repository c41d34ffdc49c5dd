import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TahoeNode, tahoeProgram } from '@holdfast/interop';

/** A grid of the peer's own nodes on this machine: five storage servers and a client. */
export class TahoeGrid implements AsyncDisposable {
  private constructor(
    readonly gateway: string,
    private readonly dir: string,
    private readonly nodes: readonly TahoeNode[],
  ) {}

  static async up(): Promise<TahoeGrid> {
    const program = await tahoeProgram();
    const dir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
    const nodes: TahoeNode[] = [];
    try {
      for (const name of ['t1', 't2', 't3', 't4', 't5']) {
        nodes.push(await TahoeNode.storage(program, join(dir, name), name));
      }
      const servers = Object.fromEntries(await Promise.all(nodes.map((node) => node.announcement())));
      const encoding = { required: 3, happy: 5, total: 10 };
      const client = await TahoeNode.client(program, join(dir, 'client'), servers, { encoding });
      nodes.push(client);
      return new TahoeGrid(await client.gateway(), dir, nodes);
    } catch (error) {
      await new TahoeGrid('', dir, nodes)[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The folders of the storage servers. */
  get storage(): string[] {
    return this.nodes.slice(0, -1).map(({ dir }) => dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await rm(this.dir, { recursive: true, force: true });
  }
}
