/** A configuration file that cannot be used: which file, where in it, and what was expected there. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'configuration';

  constructor(
    readonly file: string,
    readonly line: number | undefined,
    readonly field: string,
    readonly expected: string,
  ) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${field === '' ? '' : `${field}: `}${expected}`);
  }
}

/** `init` was pointed at a folder that is there already: a node's identity is never overwritten. */
export class NodeFolderExistsError extends Error {
  override readonly name = 'NodeFolderExistsError';
  readonly code = 'node-folder-exists';

  constructor(readonly dir: string) {
    super(`${dir} exists already; a node folder is made only where there is nothing yet`);
  }
}
