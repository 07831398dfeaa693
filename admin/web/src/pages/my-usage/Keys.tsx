import { Skeleton } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { api, client, may, useSession } from '@/api';
import { Card, EmptyState, ErrorState, StatusBadge, Time, keyLabel, keysInOrder, useKeyActs } from '@/components';
import classes from './MyUsage.module.css';

/** My keys: create one, which is shown once, and revoke those that are not used any more. */
export function Keys() {
  const session = useSession();
  const queries = useQueryClient();
  const keys = api.useQuery('get', '/v1/users/me/keys');
  const { button, menu, dialogs } = useKeyActs({
    owner: session.user.name,
    example: 'laptop',
    create: may(session, 'createMyKey') ? async ({ name }, header) => (await client.POST('/v1/users/me/keys', { params: { header }, body: { name } })).data : undefined,
    revoke: may(session, 'revokeMyKey') ? (key) => client.DELETE('/v1/users/me/keys/{key_id}', { params: { path: { key_id: key.id } } }) : undefined,
    anew: () => void queries.invalidateQueries({ queryKey: ['get', '/v1/users/me/keys'] }),
    also: (key) => key.prefix === session.key.prefix && ' You are signed in with this key, so your session ends too.',
  });
  const rows = keysInOrder(keys.data?.data ?? []);
  return (
    <Card title="My keys" actions={button}>
      {keys.isPending ? (
        <Skeleton height={120} />
      ) : keys.error ? (
        <ErrorState error={keys.error} what="your keys" retry={() => void keys.refetch()} compact />
      ) : rows.length === 0 ? (
        <EmptyState compact icon={IconKey} title="No keys">
          A key signs your requests. It is shown once, when it is made.
        </EmptyState>
      ) : (
        <ul className={classes.plain}>
          {rows.map((k) => (
            <li key={k.id} className={classes.item}>
              <div>
                <div>
                  <span className="mono">{keyLabel(k)}</span> {k.name}
                  {k.prefix === session.key.prefix && <span className="soft"> · signed in with it</span>}
                </div>
                <div className="soft">
                  last used <Time at={k.last_used_at} zone={session.window.zone} />
                  {k.expires_at && (
                    <>
                      {' · expires '}
                      <Time at={k.expires_at} zone={session.window.zone} />
                    </>
                  )}
                </div>
              </div>
              {menu(k) || <StatusBadge status={k.status} />}
            </li>
          ))}
        </ul>
      )}
      {dialogs}
    </Card>
  );
}
