import { relative } from 'node:path';
import type { LabDescription } from '@holdfast/lab';

const usualBroker = 'http://127.0.0.1:3456';

/** What a person wants to know once a lab is up. */
export function welcome({ broker, storage, repairers }: LabDescription, dir: string): string {
  const shown = relative(process.cwd(), dir);
  const place = shown === '' || shown.startsWith('..') ? dir : shown;
  const at = broker === usualBroker ? '' : ` --broker ${broker}`;
  const inLab = place === '.lab' ? '' : ` --dir ${place}`;
  const withRepairers = repairers.length === 0 ? '' : `, ${repairers.length} repairers`;
  const lines = [
    `The grid is up: ${storage.length} storage servers${withRepairers}. Everything it keeps is in ${place}.`,
    '',
    `  Web page           ${broker}/`,
    `  Store a file       bin/holdfast put${at} FILE            (prints a capability)`,
    `  Get it back        bin/holdfast get${at} -o COPY CAPABILITY`,
    `  Stop a server      bin/holdfast lab stop${inLab} s1      (start s1 brings it back)`,
    `  See who runs       bin/holdfast lab status${inLab}`,
    `  End the grid       bin/holdfast lab down${inLab}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
