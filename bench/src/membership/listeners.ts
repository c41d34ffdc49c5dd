/** Between the measurement and the process that plays the brokers. */
export type Order =
  /** Say `know` once every broker has heard of so many servers, counted from now on. */
  | { readonly order: 'expect'; readonly servers: number }
  /** Say `figures`. */
  | { readonly order: 'report' };

export type Report =
  | { readonly report: 'listening' }
  | { readonly report: 'know' }
  | {
      readonly report: 'figures';
      /** Of all brokers together. */
      readonly messages: number;
      readonly bytes: number;
      /** Bytes of the heap of all brokers together, after collection of what is not used. */
      readonly heap: number;
    };
