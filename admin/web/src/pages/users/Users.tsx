import { Button, Group, Menu } from '@mantine/core';
import { useThrottledCallback } from '@mantine/hooks';
import { IconFileImport, IconUserPlus, IconUsers, IconUserSearch } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { allows, api, may, useSession, useStream } from '@/api';
import { Card, DataTable, EmptyState, Export, Filters, PageHeader } from '@/components';
import { count } from '@/format';
import { scopeQuery, useScope } from '@/shell/controls';
import { useUrlState } from '@/url/state';
import { AddUser } from './AddUser';
import { BulkBar } from './BulkBar';
import { columnsOf } from './columns';
import { EditUser } from './EditUser';
import { filtered, none, params, queryOf, selectionOf, type Filter, type Person } from './filters';
import { ImportPeople } from './ImportPeople';
import { usePeopleAgain } from './again';
import { useTeamName } from './teams';
import { Views } from './Views';
import classes from './Users.module.css';

/** Everybody: who they are, what they may use and what they have used, and what can be done about it, for one or for all that match. */
export default function Users() {
  const session = useSession();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [scope] = useScope();
  const [state, set] = useUrlState(params);
  const [selected, setSelected] = useState<Person[]>([]);
  const [everyone, setEveryone] = useState(false);
  const filter: Filter = state;
  const within = useMemo(() => scopeQuery(scope), [scope]);
  const now = new Date();
  const query = queryOf(filter, within, state.sort, state.cursor, now);
  const people = api.useQuery('get', '/v1/admin/users', { params: { query } }, { placeholderData: (before) => before, staleTime: 10_000 });
  const page = people.data;
  const again = usePeopleAgain();
  const live = useThrottledCallback(again, 5000);
  useStream('/v1/admin/stream', { directory: live, usage: live });

  // The next page is there before it is asked for.
  const next = page?.next_cursor;
  useEffect(() => {
    if (next && !people.isPlaceholderData) void queries.prefetchQuery(api.queryOptions('get', '/v1/admin/users', { params: { query: { ...query, cursor: next } } }, { staleTime: 10_000 }));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [next, people.isPlaceholderData, queries]);

  // What is selected is of this list: another list, nothing selected.
  const listed = JSON.stringify(selectionOf(filter, within, now));
  useEffect(() => {
    setSelected([]);
    setEveryone(false);
  }, [listed]);

  const change = (part: Partial<Filter>) => set({ ...part, cursor: null });
  const teamName = useTeamName();
  const admin = allows(session, 'admin');
  const columns = useMemo(() => columnsOf({ zone: session.window.zone, teamName, onEdit: (p) => set({ edit: p.id }, { push: true }) }), [session.window.zone, set, teamName]);
  const total = page?.total ?? null;
  const bulk = admin && may(session, 'createJob');
  const narrowed = filtered(filter) || scope.level !== 'organization';
  const flat = { ...query, status: filter.status, limit: 50 };

  return (
    <>
      <PageHeader
        title="Manage Users"
        about={page && total !== null ? (narrowed ? `${count(total, 'person matches', 'people match')}.` : `${count(total, 'person', 'people')}. Used and quota are of the window that runs, in ${session.organisation.unit}.`) : undefined}
        actions={
          <Group gap="xs">
            {bulk && (
              <Button variant="default" leftSection={<IconFileImport size={16} aria-hidden />} onClick={() => set({ import: true }, { push: true })}>
                Import CSV
              </Button>
            )}
            {may(session, 'createUser') && (
              <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => set({ add: true }, { push: true })}>
                Add User
              </Button>
            )}
          </Group>
        }
      />
      <Card flush>
        <div className={classes.top}>
          <Filters
            search={state.q}
            onSearch={(q) => change({ q })}
            placeholder="Find people by name or address"
            choices={[
              { label: 'Status', value: state.status, onChange: (v) => change({ status: v as Filter['status'] }), options: [{ value: 'active', label: 'Active' }, { value: 'on_vacation', label: 'On Vacation' }, { value: 'suspended', label: 'Suspended' }] },
              { label: 'Role', value: state.role, onChange: (v) => change({ role: v as Filter['role'] }), options: [{ value: 'owner', label: 'Owner' }, { value: 'admin', label: 'Admin' }, { value: 'member', label: 'Member' }] },
              { label: 'Used over', value: state.used === null ? null : String(state.used), onChange: (v) => change({ used: v === null ? null : Number(v) }), options: [50, 80, 90, 99].map((n) => ({ value: String(n), label: `${n} % of the quota` })) },
              { label: 'Not seen for', value: state.unseen === null ? null : String(state.unseen), onChange: (v) => change({ unseen: v === null ? null : Number(v) }), options: [7, 30, 90].map((n) => ({ value: String(n), label: `${n} days` })) },
            ]}
            end={
              <>
                <Views />
                <Export what="people" request={{ path: '/v1/admin/users', query: flat }} csvPath={may(session, 'exportUsers') ? '/v1/admin/users.csv' : undefined}>
                  <Menu.Label>{narrowed ? 'The people that match' : 'All people'}</Menu.Label>
                </Export>
              </>
            }
          />
        </div>
        {bulk && <BulkBar selected={selected} everyone={everyone} total={total} filter={filter} scope={within} onEveryone={setEveryone} onClear={() => { setSelected([]); setEveryone(false); }} />}
        <DataTable<Person>
          label="People"
          rows={page?.data}
          loading={people.isFetching && people.isPlaceholderData}
          error={people.error}
          retry={() => void people.refetch()}
          idOf={(p) => p.id}
          columns={columns}
          sort={state.sort}
          onSort={(by) => set({ sort: by as typeof state.sort, cursor: null })}
          onOpen={(p) => void navigate({ to: `/users/${p.id}` as '/' })}
          selected={bulk ? selected : undefined}
          onSelect={bulk ? (rows) => { setSelected(rows); setEveryone(false); } : undefined}
          paging={{ cursor: state.cursor, next, onCursor: (cursor) => set({ cursor }), total }}
          minRows={10}
          empty={
            narrowed ? (
              <EmptyState icon={IconUserSearch} title="Nobody matches" action={filtered(filter) && <Button variant="light" size="xs" onClick={() => change(none)}>Clear the filters</Button>}>
                {scope.level === 'organization' ? 'There are people, but none to whom all of this applies.' : 'In the scope that is chosen above, there is nobody to whom all of this applies.'}
              </EmptyState>
            ) : (
              <EmptyState icon={IconUsers} title="Nobody here yet" action={may(session, 'createUser') && <Button size="xs" onClick={() => set({ add: true }, { push: true })}>Add User</Button>}>
                Add people one by one, or import a list. Each gets a key and a quota.
              </EmptyState>
            )
          }
        />
      </Card>
      <AddUser opened={state.add} onClose={() => set({ add: false })} />
      <EditUser id={state.edit} onClose={() => set({ edit: null })} />
      {bulk && <ImportPeople opened={state.import} onClose={() => set({ import: false })} />}
    </>
  );
}
