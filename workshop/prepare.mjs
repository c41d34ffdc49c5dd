// Makes a fresh clone ready to be built and run: npm packages, a Postgres, a nats-server. Quick when all are there.
import { findNatsServer, findPostgres } from '../packages/lab/src/servers/find-programs.mjs';
import { WorkshopError, whenStarted } from './checkout.mjs';
import { fetchNatsServer } from './fetch-nats-server.mjs';
import { installPackages } from './install-packages.mjs';
import { alone } from './lock.mjs';

const oldestNode = [20, 18, 1];

/**
 * @param {{servers?: boolean}} what `servers: false` where nothing will be run that needs Postgres or NATS
 */
export async function prepare({ servers = true } = {}) {
  refuseOldNode();
  await alone(async () => {
    await installPackages();
    if (!servers) return;
    if (!process.env.DATABASE_URL && findPostgres().length === 0) throw new WorkshopError(noPostgres);
    if (!process.env.NATS_URL && findNatsServer() === undefined) {
      const reason = await fetchNatsServer();
      if (reason !== undefined) throw new WorkshopError(`${noNatsServer}\n(${reason})`);
    }
  });
}

function refuseOldNode() {
  const found = process.versions.node.split('.').map(Number);
  const different = oldestNode.findIndex((part, index) => part !== found[index]);
  if (different === -1 || found[different] > oldestNode[different]) return;
  throw new WorkshopError(
    `Node.js ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}.`,
  );
}

const noPostgres = `No Postgres was found on this machine, and npm has none for ${process.platform}-${process.arch}. Install one:
  Debian, Ubuntu:  sudo apt-get install postgresql
  macOS:           brew install postgresql
or point DATABASE_URL at one that runs: DATABASE_URL=postgres://user:password@host:5432/postgres`;

const noNatsServer = `No nats-server was found on this machine, and it could not be fetched. Install one:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install nats-server
  macOS:           brew install nats-server
  with Go:         go install github.com/nats-io/nats-server/v2@latest   (and put ~/go/bin on the path)
or point NATS_URL at one that runs: NATS_URL=nats://host:4222`;

await whenStarted(import.meta.url, () => prepare());
