import { Button, Group, Menu } from '@mantine/core';
import { useThrottledCallback } from '@mantine/hooks';
import { IconFileImport, IconUserPlus, IconUsers, IconUserSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { allows, api, may, useLongList, useSession, useStream } from '@/api';
import { Card, EmptyState, Export, Filters, LongTable, PageHeader, WaitingText } from '@/components';
import { count } from '@/format';
import { scopeQuery, useScope } from '@/shell/controls';
import { useUrlState } from '@/url/state';
import { AddUser } from './AddUser';
import { BulkBar } from './BulkBar';
import { columnsOf } from './columns';
import { EditUser } from './EditUser';
import { filtered, none, pageSize, params, queryOf, selectionOf, type Filter, type Person } from './filters';
import { ImportPeople } from './ImportPeople';
import { usePeopleAgain } from './again';
import { Views } from './Views';
import classes from './Users.module.css';

const idOf = (p: Person) => p.id;

/** Everybody: who they are, what they may use and what they have used, and what can be done about it, for one or for all that match. */
export default function Users() {
  const session = useSession();
  const navigate = useNavigate();
  const [scope] = useScope();
  const [state, set] = useUrlState(params);
  const [selected, setSelected] = useState<Person[]>([]);
  const [everyone, setEveryone] = useState(false);
  const filter: Filter = state;
  const within = useMemo(() => scopeQuery(scope), [scope]);
  const now = new Date();
  const query = queryOf(filter, within, state.sort, null, now);
  const listed = JSON.stringify(query);
  const people = useLongList<Person>(
    ['people', listed],
    pageSize,
    useCallback((cursor: string | null) => api.queryOptions('get', '/v1/admin/users', { params: { query: { ...(JSON.parse(listed) as typeof query), cursor: cursor ?? undefined } } }, { staleTime: 10_000 }), [listed]),
  );
  const again = usePeopleAgain();
  const live = useThrottledCallback(again, 5000);
  useStream('/v1/admin/stream', { directory: live, usage: live });

  // What is selected is of this list: another list, nothing selected.
  const matching = JSON.stringify(selectionOf(filter, within, now));
  useEffect(() => {
    setSelected([]);
    setEveryone(false);
  }, [matching]);

  const change = (part: Partial<Filter>) => set(part);
  const admin = allows(session, 'admin');
  const columns = useMemo(() => columnsOf({ zone: session.window.zone, onEdit: (p) => set({ edit: p.id }, { push: true }) }), [session.window.zone, set]);
  const { total } = people;
  const bulk = admin && may(session, 'createJob');
  const narrowed = filtered(filter) || scope.level !== 'organization';
  const flat = { ...query, status: filter.status };

  return (
    <>
      <PageHeader
        title="Manage Users"
        about={total !== null ? (narrowed ? `${count(total, 'person matches', 'people match')}.` : `${count(total, 'person', 'people')}. Used and quota are of the window that runs, in ${session.organisation.unit}.`) : people.loading && people.count === 0 ? <WaitingText chars={66} /> : undefined}
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
        <LongTable<Person>
          label="People"
          list={people}
          idOf={idOf}
          columns={columns}
          sort={state.sort}
          onSort={(by) => set({ sort: by as typeof state.sort })}
          onOpen={(p) => void navigate({ to: `/users/${p.id}` as '/' })}
          selected={bulk ? selected : undefined}
          onSelect={bulk ? (rows) => { setSelected(rows); setEveryone(false); } : undefined}
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
