/** Slots that CPython looks at one after the other before it jumps. */
const linearProbes = 9;
const jumpShift = 5;
const smallestTable = 8;

/**
 * The order in which the peer writes a share's hash chain. It keeps the node numbers in a Python set, so
 * theirs is the order in which CPython walks the hash table of that set: rising for 9 to 16
 * shares in all, mixed for most other numbers. Readers do not care; shares equal to the byte do.
 *
 * @param nodes distinct node numbers in the order in which the peer adds them: the siblings on the way up
 *   from the leaf, then the leaf
 */
export function peerChainOrder(nodes: Iterable<number>): number[] {
  let table = emptyTable(smallestTable);
  let used = 0;
  for (const node of nodes) {
    insert(table, node);
    used++;
    // A table three fifths full grows to the first power of two above four times its entries.
    if (used * 5 >= (table.length - 1) * 3) table = grown(table, used * 4);
  }
  return entries(table);
}

type Table = (number | undefined)[];

function emptyTable(size: number): Table {
  return new Array<number | undefined>(size).fill(undefined);
}

function entries(table: Table): number[] {
  return table.filter((entry) => entry !== undefined);
}

/** A small integer is its own hash: its low bits are its slot, the others steer the jumps. */
function insert(table: Table, node: number): void {
  const mask = table.length - 1;
  let slot = node & mask;
  for (let rest = node; ; ) {
    const last = slot + linearProbes <= mask ? slot + linearProbes : slot;
    for (let probe = slot; probe <= last; probe++) {
      if (table[probe] === undefined) {
        table[probe] = node;
        return;
      }
    }
    rest >>= jumpShift;
    slot = (slot * 5 + 1 + rest) & mask;
  }
}

function grown(table: Table, above: number): Table {
  let size = smallestTable;
  while (size <= above) size *= 2;
  const next = emptyTable(size);
  for (const node of entries(table)) insert(next, node);
  return next;
}
