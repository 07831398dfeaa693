import { IconKey } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { api, client, may, useSession } from '@/api';
import { DataTable, EmptyState, Export, StatusBadge, Time, keyLabel, keysInOrder, useKeyActs, type Key } from '@/components';
import { endOfDay } from '../day';
import type { Person } from '../filters';
import classes from './User.module.css';

/** A person's keys. */
export function Keys({ person }: { person: Person }) {
  const session = useSession();
  const queries = useQueryClient();
  const path = { user_id: person.id };
  const { zone } = session.window;
  const keys = api.useQuery('get', '/v1/admin/users/{user_id}/keys', { params: { path } });
  const rows = keys.data && keysInOrder(keys.data.data);
  const until = (day: string) => (day ? endOfDay(day, zone) : null);
  const { button, menu, dialogs } = useKeyActs({
    owner: person.name,
    example: 'laptop',
    dated: zone,
    create: may(session, 'createUserKey') ? async ({ name, lastDay }, header) => (await client.POST('/v1/admin/users/{user_id}/keys', { params: { path, header }, body: { name, expires_at: until(lastDay) } })).data : undefined,
    rotate: may(session, 'rotateUserKey')
      ? async (key, { name, lastDay, overlap }, header) =>
          (await client.POST('/v1/admin/users/{user_id}/keys/{key_id}/rotate', { params: { path: { ...path, key_id: key.id }, header }, body: { name, expires_at: until(lastDay), overlap_seconds: overlap } })).data?.key
      : undefined,
    revoke: may(session, 'revokeUserKey') ? (key) => client.DELETE('/v1/admin/users/{user_id}/keys/{key_id}', { params: { path: { ...path, key_id: key.id } } }) : undefined,
    anew: () => void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/users/{user_id}/keys'] }),
  });
  return (
    <>
      <div className={classes.head}>
        <span className="soft">Whoever has a key spends this person's quota. A key is shown once, when it is made.</span>
        <span className={classes.head} style={{ margin: 0 }}>
          {button}
          <Export what="keys" request={{ path: `/v1/admin/users/${person.id}/keys` }} rows={() => ({ head: ['Key', 'Name', 'Status', 'Created', 'Last used', 'Expires'], rows: (rows ?? []).map((k) => [keyLabel(k), k.name, k.status, k.created_at, k.last_used_at, k.expires_at]) })} />
        </span>
      </div>
      <DataTable<Key>
        label="Keys"
        rows={rows}
        loading={keys.isFetching && !rows}
        error={keys.error}
        retry={() => void keys.refetch()}
        idOf={(k) => k.id}
        minRows={2}
        columns={[
          { id: 'key', title: 'Key', cell: (k) => <span className={classes.wrap}><span className="mono">{keyLabel(k)}</span> {k.name}</span> },
          { id: 'status', title: 'Status', width: 120, cell: (k) => <StatusBadge status={k.status} /> },
          { id: 'used', title: 'Last used', width: 140, from: 'tablet', cell: (k) => <Time at={k.last_used_at} zone={zone} /> },
          { id: 'created', title: 'Created', width: 140, from: 'desktop', cell: (k) => <Time at={k.created_at} zone={zone} /> },
          { id: 'expires', title: 'Expires', width: 140, from: 'desktop', cell: (k) => <Time at={k.expires_at} zone={zone} /> },
          { id: 'acts', title: '', width: 56, cell: menu },
        ]}
        empty={<EmptyState compact icon={IconKey} title="No keys" action={button}>{person.name} cannot send requests before there is one.</EmptyState>}
      />
      {dialogs}
    </>
  );
}
