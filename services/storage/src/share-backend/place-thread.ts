import { parentPort } from 'node:worker_threads';
import { BatchPlacer, type Placing } from './place-batch.js';

/** The thread that places shares: one message in for a batch, one out with what became of it. */
const placer = new BatchPlacer();
parentPort?.on('message', (batch: readonly Placing[]) => parentPort?.postMessage(placer.place(batch)));
