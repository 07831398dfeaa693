import { IconKey } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { api, client, may, useSession } from '@/api';
import { EmptyState, ErrorState, StatusBadge, Time, keyLabel, keysInOrder, useKeyActs } from '@/components';
import type { ServiceAccount } from './serviceAccount';
import classes from './Settings.module.css';

/** The keys of a service account. */
export function AccountKeys({ account }: { account: ServiceAccount }) {
  const session = useSession();
  const queries = useQueryClient();
  const path = { account_id: account.id };
  const keys = api.useQuery('get', '/v1/admin/service-accounts/{account_id}/keys', { params: { path } });
  const { button, menu, dialogs } = useKeyActs({
    owner: account.name,
    example: 'production',
    create: may(session, 'createServiceAccountKey') ? async ({ name }, header) => (await client.POST('/v1/admin/service-accounts/{account_id}/keys', { params: { path, header }, body: { name } })).data : undefined,
    rotate: may(session, 'rotateServiceAccountKey')
      ? async (key, { name, overlap }, header) => (await client.POST('/v1/admin/service-accounts/{account_id}/keys/{key_id}/rotate', { params: { path: { ...path, key_id: key.id }, header }, body: { name, overlap_seconds: overlap } })).data?.key
      : undefined,
    revoke: may(session, 'revokeServiceAccountKey') ? (key) => client.DELETE('/v1/admin/service-accounts/{account_id}/keys/{key_id}', { params: { path: { ...path, key_id: key.id } } }) : undefined,
    anew: () => {
      void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts/{account_id}/keys'] });
      void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts'] });
    },
  });
  const zone = session.organisation.zone;
  return (
    <section aria-labelledby="account-keys">
      <div className={classes.head}>
        <h3 id="account-keys">Keys</h3>
        {button}
      </div>
      {keys.error ? (
        <ErrorState error={keys.error} what="the keys" retry={() => void keys.refetch()} retrying={keys.isFetching} compact />
      ) : !keys.data ? (
        <p className="soft" aria-busy="true">
          Loading the keys
        </p>
      ) : keys.data.data.length === 0 ? (
        <EmptyState compact icon={IconKey} title="No keys">
          {account.name} cannot send requests before there is one.
        </EmptyState>
      ) : (
        <ul className={classes.plain} aria-label="Keys of this account">
          {keysInOrder(keys.data.data).map((k) => (
            <li key={k.id} className={classes.item}>
              <div>
                <span className="mono">{keyLabel(k)}</span> {k.name}
                <div className="soft">
                  {k.last_used_at ? (
                    <>
                      used <Time at={k.last_used_at} zone={zone} />
                    </>
                  ) : (
                    'never used'
                  )}
                  {k.expires_at && k.status === 'active' && (
                    <>
                      , ends <Time at={k.expires_at} zone={zone} />
                    </>
                  )}
                </div>
              </div>
              <span className={classes.acts}>
                <StatusBadge status={k.status} />
                {menu(k)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {dialogs}
    </section>
  );
}
