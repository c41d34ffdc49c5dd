import { isLab, Lab, type LabSize } from '@holdfast/lab';
import { welcome } from './welcome.js';

/** What `lab up` was asked for. */
export interface LabUpOptions extends LabSize {
  readonly dir: string;
}

/** What a lab in the background tells the command that started it. */
export type Report = { readonly said: string } | { readonly up: string } | { readonly failed: string };

/** The port at which the other commands look for a broker; the lab takes it if it is free. */
const usualBrokerPort = 3456;
const usualRepairers = 2;

/**
 * Runs a lab in this process until a signal or `lab down` ends it. Where this process was started with a channel to
 * another, what there is to say goes there too.
 */
export async function runLab({ dir, storage, brokers, repairers, shares }: LabUpOptions): Promise<void> {
  const ending = endOnSignal();
  const say = (line: string) => {
    process.stdout.write(`${line}\n`);
    report({ said: line });
  };
  try {
    const lab = await Lab.up({
      dir,
      brokerPort: usualBrokerPort,
      onProgress: say,
      signal: ending.signal,
      ...(storage === undefined ? {} : { storage }),
      ...(brokers === undefined ? {} : { brokers }),
      ...(await repairersOf(dir, repairers)),
      ...(shares === undefined ? {} : { shares }),
    });
    const text = welcome(lab.description, dir);
    const inForeground = process.channel === undefined;
    process.stdout.write(
      `\n${text}${inForeground ? 'Ctrl-C ends the grid; what was stored stays there.\n' : ''}`,
    );
    report({ up: text });
    if (process.channel) process.disconnect();
    ending.signal.addEventListener('abort', () => process.stdout.write('\nEnding the grid…\n'));
    await lab.ended;
    process.stdout.write('The grid has ended.\n');
  } catch (error) {
    if (ending.signal.aborted) return;
    report({ failed: (error as Error).message });
    throw error;
  }
}

/** A lab that is there keeps the repairers that it has. */
async function repairersOf(dir: string, asked: number | undefined): Promise<{ repairers?: number }> {
  if (asked !== undefined) return { repairers: asked };
  return (await isLab(dir)) ? {} : { repairers: usualRepairers };
}

/** The first signal ends the lab in good order; the second ends this process, and the warden ends the rest. */
function endOnSignal(): AbortController {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) process.exit(1);
      ending.abort();
    });
  }
  return ending;
}

function report(what: Report): void {
  if (process.channel) process.send?.(what);
}
