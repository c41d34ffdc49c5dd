/** Between the measurement and the processes that play brokers. */
export type Order =
  /** Say `know` once so many servers are known; those that play many brokers count from now on. */
  | { readonly order: 'expect'; readonly servers: number }
  /** Say `figures`, or `broker`. */
  | { readonly order: 'report' };

/** Of the process that plays many brokers, which hear and connect to nobody. */
export type Report =
  | { readonly report: 'listening' }
  | { readonly report: 'know' }
  | {
      readonly report: 'figures';
      /** Of all brokers together. */
      readonly messages: number;
      readonly bytes: number;
    };

/** Of the process that plays one broker, with all that belongs to membership. */
export type BrokerReport =
  | {
      /** It has joined its grid, and knows those servers that its cache has. */
      readonly report: 'joined';
      readonly servers: number;
      readonly seconds: number;
      /** Milliseconds of the longest time for which its event loop stood meanwhile. */
      readonly stood: number;
    }
  | { readonly report: 'know' }
  | {
      /** Every server that it knows was dialled. */
      readonly report: 'broker';
      /** Bytes, after collection of what is not used. */
      readonly heap: number;
      readonly resident: number;
      /** As above, since it joined or was asked last. */
      readonly stood: number;
    };
