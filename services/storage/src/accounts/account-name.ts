import { AccountError } from './account-error.js';

const form = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;

/**
 * Lets a name for a new account pass: 1 to 64 of letters, digits and `. _ @ + -`, the first a letter or digit. Such a
 * name can stand in a file name, a command line and a column of text as it is.
 *
 * @throws AccountError `bad-name`
 */
export function checkAccountName(name: string): string {
  if (form.test(name)) return name;
  throw new AccountError(
    'bad-name',
    name,
    `${JSON.stringify(name)} cannot name an account: expected 1 to 64 of letters, digits and . _ @ + -, first a letter or digit`,
  );
}
