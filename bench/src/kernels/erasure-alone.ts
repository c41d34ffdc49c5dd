// The erasure code's speeds alone: `node bench/dist/kernels/erasure-alone.js`.
import { figure, printTable } from '../table.js';
import { measureErasure } from './erasure.js';

const rows = (await measureErasure()).map(
  ({ implementation, required, total, operation, bytesPerSecond }) => [
    `${implementation}, ${required}-of-${total}, ${operation}`,
    `${figure(bytesPerSecond / 1e9)} GB/s`,
  ],
);
printTable('Erasure code, 1 MiB segments', rows);
