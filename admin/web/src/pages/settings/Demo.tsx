import { Button, Skeleton } from '@mantine/core';
import { IconFlask, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, client, may, newKey, useSession } from '@/api';
import { Card, ErrorState, Time, done, failed } from '@/components';
import { count } from '@/format';

/** Adds and removes the demo data, and says how it went. */
export function useDemo() {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const act = async (what: string, work: () => Promise<unknown>, said: string) => {
    setBusy(true);
    try {
      await work();
      done(said);
      void queries.invalidateQueries();
    } catch (e) {
      failed(what, e);
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    add: () => act('No demo data was added', () => client.POST('/v1/admin/demo', { params: { header: { 'Idempotency-Key': newKey() } } }), 'Demo data was added. Remove it here or on Overview at any time.'),
    remove: () => act('The demo data is still there', () => client.DELETE('/v1/admin/demo'), 'The demo data is gone. What is real was not touched.'),
  };
}

/** Demo data: there or not, added or removed in one click. */
export function Demo() {
  const session = useSession();
  const demo = api.useQuery('get', '/v1/admin/demo');
  const { busy, add, remove } = useDemo();
  const d = demo.data;
  return (
    <Card title="Demo data" about="People, teams and usage to look around with. They are marked as demo and touch nothing that is real.">
      {demo.isPending ? (
        <Skeleton height={36} />
      ) : demo.error ? (
        <ErrorState compact error={demo.error} what="the demo data" retry={() => void demo.refetch()} retrying={demo.isFetching} />
      ) : d?.present ? (
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 12, alignItems: 'center', justifyContent: 'space-between' }}>
          <span>
            {count(d.people, 'person', 'people')}, {count(d.teams, 'team', 'teams')} and {count(d.requests, 'request', 'requests')}, added <Time at={d.created_at} zone={session.organisation.zone} />.
          </span>
          {may(session, 'deleteDemo') && (
            <Button variant="light" color="red" loading={busy} leftSection={<IconTrash size={16} />} onClick={() => void remove()}>
              Remove demo data
            </Button>
          )}
        </div>
      ) : (
        may(session, 'createDemo') && (
          <Button variant="default" loading={busy} leftSection={<IconFlask size={16} />} onClick={() => void add()}>
            Add demo data
          </Button>
        )
      )}
    </Card>
  );
}
