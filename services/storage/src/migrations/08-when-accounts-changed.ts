import type { Migration } from '@holdfast/common/database';

export const whenAccountsChanged: Migration = {
  number: 8,
  name: 'when accounts were changed',
  // By a trigger, so it is also written down what the release before changes.
  breaking: false,
  sql: `
    alter table accounts add column changed_at timestamptz;
    comment on column accounts.changed_at is
      'When state, quota, lease_seconds or repairer last changed; null: never since this is written down. Tells which of two copies is the newer.';

    create function account_changed() returns trigger language plpgsql as $$
    begin
      new.changed_at := now();
      return new;
    end $$;
    create trigger account_changed before update of state, quota, lease_seconds, repairer on accounts for each row
      when ((old.state, old.quota, old.lease_seconds, old.repairer)
            is distinct from (new.state, new.quota, new.lease_seconds, new.repairer))
      execute function account_changed();
  `,
};
