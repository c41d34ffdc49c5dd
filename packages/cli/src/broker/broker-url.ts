import { Option } from 'commander';
import { urlArgument } from '../arguments.js';

/** `--broker URL`, else `HOLDFAST_BROKER`, else a broker at its usual place on this machine. */
export function brokerOption(): Option {
  return new Option('--broker <url>', 'the broker to ask')
    .env('HOLDFAST_BROKER')
    .default('http://127.0.0.1:3456')
    .argParser(urlArgument('--broker or HOLDFAST_BROKER', ['http:', 'https:'], 'http://127.0.0.1:3456'));
}

/** The address of a resource below a broker's, which may itself be below a path. */
export function brokerResource(broker: string, path: string): URL {
  const url = new URL(broker);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return url;
}
