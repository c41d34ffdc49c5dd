import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { loadIdentity } from '@holdfast/common/identity';
import { parseNurl } from '@holdfast/lafs';
import { knownServer, type LabStorageNode } from './lab-client.js';
import { type Answering, openRecordingServer, type RecordingServer } from './recording-server.js';

/** Starts a recording server before a lab's storage server, with its identity: what that one sees, all of it. */
export async function startRecordingRelay(node: LabStorageNode): Promise<RecordingServer> {
  const { tls } = await loadIdentity(join(node.dir));
  const { host, port } = parseNurl(node.nurl);
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

  const answering: Answering = async ({ method, path, headers }, body) => {
    const onward = request({ host, port, agent, method, path, headers: headers.flat() });
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    const pieces: Buffer[] = [];
    for await (const piece of answer) pieces.push(piece);
    return { status: answer.statusCode ?? 500, headers: answer.rawHeaders, body: Buffer.concat(pieces) };
  };

  const recorder = await openRecordingServer({
    tls,
    describe: (recordingPort) => knownServer(node, recordingPort),
    answering,
  });
  return {
    ...recorder,
    [Symbol.asyncDispose]: async () => {
      await recorder[Symbol.asyncDispose]();
      agent.destroy();
    },
  };
}
