import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { writeWhole } from '../files/write-whole.js';
import { freePort, isFree } from '../servers/free-port.js';
import { LabError } from './errors.js';

const port = z.int().min(1).max(65_535);

const plannedNode = z.strictObject({
  role: z.enum(['introducer', 'storage', 'broker', 'repairer']),
  nickname: z.string(),
  /** Of /healthz, /readyz and /metrics. */
  operatorPort: port,
  /** Of the storage protocol or the web API. */
  listenPort: port.optional(),
  /** Its own; all storage servers have one together, and so have all repairers. */
  database: z.string(),
});

const shares = z.strictObject({ required: z.int(), happy: z.int(), total: z.int() });

const planSchema = z.strictObject({
  grid: z.string(),
  shares,
  nodes: z.array(plannedNode),
  /** `given` where it is the server at DATABASE_URL or NATS_URL, else the port of the lab's own. */
  postgres: z.union([z.literal('given'), port]),
  nats: z.union([z.literal('given'), port]),
  /** Whether the lab's own bus has TLS and a user for each role; labs of before have neither. */
  guarded: z.boolean().default(false),
});

/** One node of a lab, as it was laid out when the lab was made. */
export type PlannedNode = z.infer<typeof plannedNode>;

/** A lab as it was laid out when it was made: kept in its folder, so that the next start finds all as it was. */
export type LabPlan = z.infer<typeof planSchema>;

/** How many shares are needed to read a file, how many servers must hold some, and how many shares are made. */
export type Shares = z.infer<typeof shares>;

/** The size of a lab. */
export interface LabSize {
  /** Storage servers; 5 where not given. */
  readonly storage?: number;
  /** 1 where not given. */
  readonly brokers?: number;
  /** None where not given. */
  readonly repairers?: number;
  /** 3 of 10 on as many servers as there are, 7 at most, where not given. */
  readonly shares?: Shares;
  /** The port of the first broker's web API, if it is free when the lab is made. */
  readonly brokerPort?: number;
}

const file = (dir: string) => join(dir, 'plan.json');

/** The plan of the lab in `dir`, or undefined where there is none yet. */
export async function readPlan(dir: string): Promise<LabPlan | undefined> {
  const text = await readFile(file(dir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return text === undefined ? undefined : planSchema.parse(JSON.parse(text));
}

/** Whether there is a lab in `dir`. */
export async function isLab(dir: string): Promise<boolean> {
  return (await readPlan(dir)) !== undefined;
}

/** Keeps a plan for the next start. */
export function writePlan(dir: string, plan: LabPlan): Promise<void> {
  return writeWhole(file(dir), `${JSON.stringify(plan, null, 2)}\n`);
}

/** Lays out a new lab. */
export async function makePlan(size: LabSize, given: { postgres: boolean; nats: boolean }): Promise<LabPlan> {
  const { storage = 5, brokers = 1, repairers = 0 } = size;
  const id = randomBytes(4).toString('hex');
  const node = async (
    role: PlannedNode['role'],
    nickname: string,
    wanted?: number,
  ): Promise<PlannedNode> => ({
    role,
    nickname,
    operatorPort: await freePort(),
    ...(servesClients(role) ? { listenPort: await portLike(wanted) } : {}),
    database: `holdfast_${id}_${sharesDatabase(role) ? role : nickname}`,
  });
  const numbered = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const nodes = [
    await node('introducer', 'introducer'),
    ...(await Promise.all(numbered(storage).map((n) => node('storage', `s${n}`)))),
    ...(await Promise.all(
      numbered(brokers).map((n) => node('broker', `broker${n}`, n === 1 ? size.brokerPort : undefined)),
    )),
    ...(await Promise.all(numbered(repairers).map((n) => node('repairer', `repairer${n}`)))),
  ];
  return {
    grid: `lab-${id}`,
    shares: size.shares ?? { required: 3, happy: Math.min(7, storage), total: 10 },
    nodes,
    postgres: given.postgres ? 'given' : await freePort(),
    nats: given.nats ? 'given' : await freePort(),
    guarded: !given.nats,
  };
}

const servesClients = (role: PlannedNode['role']) => role === 'storage' || role === 'broker';
const sharesDatabase = (role: PlannedNode['role']) => role === 'storage' || role === 'repairer';

async function portLike(wanted: number | undefined): Promise<number> {
  return wanted !== undefined && (await isFree(wanted)) ? wanted : freePort();
}

/** A lab that is there keeps its size: refuses to start it as another. */
export function checkSize(dir: string, plan: LabPlan, size: LabSize): void {
  const count = (role: PlannedNode['role']) => plan.nodes.filter((node) => node.role === role).length;
  const text = ({ required, happy, total }: Shares) => `${required},${happy},${total}`;
  const differing = [
    ['storage servers', String(size.storage ?? count('storage')), String(count('storage'))],
    ['brokers', String(size.brokers ?? count('broker')), String(count('broker'))],
    ['repairers', String(size.repairers ?? count('repairer')), String(count('repairer'))],
    ['shares', text(size.shares ?? plan.shares), text(plan.shares)],
  ].find(([, asked, there]) => asked !== there);
  if (differing === undefined) return;
  const [what, asked, there] = differing;
  throw new LabError('differs', `the lab in ${dir} was made with ${what} ${there}, not ${asked}`);
}
