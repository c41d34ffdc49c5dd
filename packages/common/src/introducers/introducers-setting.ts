import * as z from 'zod';
import { busUrl, refuseUnquoted } from '../configuration/index.js';
import { connectionTypes, refuseNamedProxies } from '../connections/index.js';

/** Each has a connection that is kept up. */
const mostIntroducers = 32;

/** Part of a file's name (`private/introducer-NAME.password`), of a label and of a row's key. */
const nameForm = 'expected a name of 1 to 40 of letters, digits, - and _';
const name = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, nameForm);

const introducer = z.strictObject({
  url: busUrl.superRefine((text, context) => {
    if (new URL(text).password !== '')
      refuseUnquoted(context, 'expected no password here: it belongs into private/introducer-NAME.password');
  }),
  connection_types: connectionTypes.optional(),
});

/**
 * The field `introducers` of `connections.yaml`, and of a storage server's `node.yaml`. Not given at all: the one on the
 * bus of `node.yaml`. Given and empty: none.
 */
export const introducersSetting = z
  .record(name, introducer, {
    error: ({ code }) => (code === 'invalid_key' ? nameForm : undefined),
  })
  .refine((introducers) => Object.keys(introducers).length <= mostIntroducers, {
    error: `expected at most ${mostIntroducers} introducers`,
  })
  .nullish()
  .transform((introducers) => (introducers === null ? {} : introducers));

export type IntroducersSetting = z.infer<typeof introducersSetting>;

/** Refuses, where a node is anonymous, introducers whose own proxies have names that would have to be looked up. */
export function refuseNamedIntroducerProxies(
  settings: { readonly anonymous: boolean; readonly introducers?: IntroducersSetting },
  context: z.RefinementCtx,
): void {
  if (!settings.anonymous) return;
  for (const [name, clause] of Object.entries(settings.introducers ?? {}))
    refuseNamedProxies(clause.connection_types, (path, expected) =>
      context.addIssue({
        code: 'custom',
        path: ['introducers', name, 'connection_types', ...path],
        message: `an anonymous node ${expected}`,
      }),
    );
}
