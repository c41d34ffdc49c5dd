import { join } from 'node:path';
import { loadIdentity } from '@holdfast/common/identity';
import { announcedNurls } from './announced.js';
import type { Backing } from './backing.js';
import type { DescribedNode, LabDescription } from './lab-json.js';
import type { LabPlan, PlannedNode } from './plan.js';

/** What a node's own folder and the introducer say of it, by nickname. */
export interface NodeFacts {
  readonly ids: ReadonlyMap<string, string>;
  readonly nurls: ReadonlyMap<string, string>;
}

/** Reads each node's id, and asks the introducer for each storage server's NURL until it knows them all. */
export async function readNodeFacts(dir: string, plan: LabPlan, nats: Backing): Promise<NodeFacts> {
  const ids = new Map<string, string>();
  for (const { nickname } of plan.nodes)
    ids.set(nickname, (await loadIdentity(join(dir, nickname))).serverId);
  const storage = plan.nodes.filter((node) => node.role === 'storage').map((node) => node.nickname);
  const announced = await announcedNurls(
    { url: nats.url, ca: nats.guard?.ca, grid: plan.grid },
    storage.map((nickname) => ids.get(nickname) ?? ''),
  );
  const nurls = new Map(storage.map((nickname) => [nickname, announced.get(ids.get(nickname) ?? '') ?? '']));
  return { ids, nurls };
}

/** Puts together what `lab.json` says. */
export function describeLab(lab: {
  dir: string;
  plan: LabPlan;
  postgres: string;
  nats: Backing | undefined;
  facts: NodeFacts;
  pid: (nickname: string) => number | null;
}): LabDescription {
  const describe = ({ nickname }: PlannedNode): DescribedNode => ({
    id: lab.facts.ids.get(nickname) ?? '',
    nickname,
    dir: join(lab.dir, nickname),
    pid: lab.pid(nickname),
  });
  const nodes = (role: PlannedNode['role']) => lab.plan.nodes.filter((node) => node.role === role);
  const brokers = nodes('broker').map((node) => `http://127.0.0.1:${node.listenPort}`);
  const [introducer] = nodes('introducer').map(describe);
  return {
    broker: brokers[0] ?? '',
    brokers,
    postgres: lab.postgres,
    nats: lab.nats?.url ?? '',
    natsCa: lab.nats?.guard?.caFile ?? null,
    introducer: introducer ?? { id: '', nickname: '', dir: '', pid: null },
    storage: nodes('storage').map((node) => ({
      ...describe(node),
      nurl: atPort(lab.facts.nurls.get(node.nickname) ?? '', node.listenPort),
    })),
    repairers: nodes('repairer').map((node) => {
      const { nickname, dir, pid } = describe(node);
      return { nickname, dir, pid };
    }),
  };
}

/** A node that had to change its port has announced the same NURL with another port. */
function atPort(nurl: string, port: number | undefined): string {
  return nurl.replace(/@127\.0\.0\.1:\d+\//, `@127.0.0.1:${port}/`);
}
