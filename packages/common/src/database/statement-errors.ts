/**
 * SQLSTATE classes and codes that mean "not now": connection trouble, shutdown, a statement that took too long, a lock
 * that somebody keeps, no disk space, memory or connection left, serialisation.
 */
const transient = /^(08|57P|57014|55P03|53100|53200|53300|40001|40P01)/;

/** Whether an SQLSTATE says that Postgres cannot do just now what it could do later. */
export function isTransient(code: string): boolean {
  return transient.test(code);
}

/** Whether Postgres refused a statement for what it was asked: it changed nothing, and would be refused again. */
export function isRefused(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' && !isTransient(code);
}
