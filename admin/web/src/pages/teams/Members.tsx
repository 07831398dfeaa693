import { ActionIcon, Button, Checkbox, Group, Menu, Modal, Stack } from '@mantine/core';
import { IconDots, IconShield, IconShieldOff, IconUserMinus, IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client, Problem, useAttempt } from '@/api';
import { Card, Confirm, Credits, DataTable, EmptyState, Export, Filters, LimitCell, PersonPicker, Refused, StatusBadge, Tone, WaitingText, done, failed, type Column, type Person } from '@/components';
import { count } from '@/format';
import { oneOf, text, useUrlState } from '@/url/state';
import type { Shares } from './teams';
import classes from './Teams.module.css';

const params = { member: text, status: oneOf('', 'active', 'on_vacation', 'suspended') };

interface Row {
  id: string;
  name: string;
  email: string;
  status: string;
  admin: boolean;
  /** null: shares are not known. */
  share: number | null;
  drawn: number | null;
  held: number | null;
  free: number | null;
}

interface Query<T> {
  data?: T;
  error: unknown;
  isPending: boolean;
  isFetching: boolean;
  refetch: () => unknown;
}

/** Who is in the team, who administers it, who is away, and what each may draw. */
export function Members({ team, name, shares, manages }: { team: string; name: string; shares: Query<Shares>; manages: boolean }) {
  const queries = useQueryClient();
  const [state, set] = useUrlState(params);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Row | null>(null);
  const plain = api.useQuery('get', '/v1/admin/teams/{team_id}/members', { params: { path: { team_id: team } } });
  const all: Row[] | undefined =
    shares.data?.members.map((m) => ({ id: m.user_id, name: m.name, email: m.email, status: m.status, admin: m.is_admin, share: m.share, drawn: m.drawn, held: m.held, free: m.free })) ??
    plain.data?.data.map((m) => ({ id: m.user_id, name: m.name ?? '', email: m.email ?? '', status: m.status ?? '', admin: m.is_admin, share: null, drawn: null, held: null, free: null }));
  const q = state.member.trim().toLocaleLowerCase();
  const rows = all?.filter((r) => (!state.status || r.status === state.status) && (!q || r.name.toLocaleLowerCase().includes(q) || r.email.toLocaleLowerCase().includes(q)));
  // What goes with a list is there while it loads, and only then not when there is no list.
  const waits = !all && !plain.error;
  const some = all ? all.length > 0 : waits;
  const away = all?.filter((r) => r.status === 'on_vacation') ?? [];
  const changed = () => {
    void queries.invalidateQueries({ predicate: (x) => String(x.queryKey[1] ?? '').startsWith('/v1/admin/teams') || x.queryKey[0] === 'team' });
  };
  const makeAdmin = async (r: Row, is_admin: boolean) => {
    try {
      await client.POST('/v1/admin/teams/{team_id}/members/{user_id}', { params: { path: { team_id: team, user_id: r.id }, query: { is_admin } } });
      done(is_admin ? `${r.name} administers ${name} now.` : `${r.name} is a member of ${name} and administers it no longer.`, { undo: () => makeAdmin({ ...r, admin: is_admin }, !is_admin) });
      changed();
    } catch (e) {
      failed(`${r.name} was not changed`, e);
    }
  };
  const columns: Column<Row>[] = [
    {
      id: 'name',
      title: 'Member',
      cell: (r) => (
        <div className={classes.person}>
          <div>
            <Link to={`/users/${r.id}` as '/'} className="truncate">
              {r.name || r.email}
            </Link>
            <span className={`soft truncate ${classes.mail}`}>{r.email}</span>
          </div>
          {r.admin && (
            <Tone tone="accent" icon={IconShield}>
              Team admin
            </Tone>
          )}
        </div>
      ),
    },
    { id: 'status', title: 'Status', from: 'tablet', cell: (r) => <StatusBadge status={r.status} /> },
    {
      id: 'drawn',
      title: 'Drawn of the share',
      cell: (r) => (r.share === null ? <span className="soft">–</span> : r.status === 'active' ? <div className={classes.bar}><LimitCell used={r.drawn} held={r.held} limit={r.share} label={`Share of ${r.name}`} /></div> : <span className="soft">{r.drawn ? <><Credits value={r.drawn} /> drawn, </> : ''}no share while {r.status === 'on_vacation' ? 'away' : 'suspended'}</span>),
    },
    { id: 'share', title: 'Share', numeric: true, from: 'desktop', cell: (r) => <Credits value={r.share} /> },
    { id: 'free', title: 'Free', numeric: true, from: 'tablet', cell: (r) => <Credits value={r.free} /> },
    ...(manages
      ? [
          {
            id: 'act',
            title: '',
            width: 56,
            cell: (r: Row) => (
              <Menu position="bottom-end" width={210} transitionProps={{ duration: 120 }}>
                <Menu.Target>
                  <ActionIcon size={28} aria-label={`More for ${r.name || r.email}`}>
                    <IconDots size={18} />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  {r.admin ? (
                    <Menu.Item leftSection={<IconShieldOff size={16} />} onClick={() => void makeAdmin(r, false)}>
                      Take team admin away
                    </Menu.Item>
                  ) : (
                    <Menu.Item leftSection={<IconShield size={16} />} onClick={() => void makeAdmin(r, true)}>
                      Make team admin
                    </Menu.Item>
                  )}
                  <Menu.Item color="red" leftSection={<IconUserMinus size={16} />} onClick={() => setRemoving(r)}>
                    Remove from team
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            ),
          },
        ]
      : []),
  ];
  const add = manages && (
    <Button variant="light" size="xs" disabled={!all} leftSection={<IconUserPlus size={16} />} onClick={() => setAdding(true)}>
      Add member
    </Button>
  );
  return (
    <>
      <Card
        flush
        title="Members"
        about={!all ? waits && <WaitingText chars={28} /> : away.length > 0 ? `${count(all.length, 'member', 'members')}. Away: ${away.slice(0, 3).map((r) => r.name || r.email).join(', ')}${away.length > 3 ? ` and ${away.length - 3} more` : ''}.` : count(all.length, 'member', 'members') + ', nobody is away.'}
        actions={
          <>
            {some && add}
            {some && (
              <Export
                disabled={!all}
                what={`members-${team}`}
                request={{ path: `/v1/admin/teams/${team}/${shares.data ? 'shares' : 'members'}` }}
                rows={() => ({ head: ['user_id', 'name', 'email', 'status', 'team_admin', 'share', 'drawn', 'held', 'free'], rows: (rows ?? []).map((r) => [r.id, r.name, r.email, r.status, r.admin, r.share, r.drawn, r.held, r.free]) })}
              />
            )}
          </>
        }
      >
        {some && (
          <div style={{ padding: '0 20px' }}>
            <Filters
              search={state.member}
              onSearch={(member) => set({ member })}
              placeholder="Find a member"
              choices={[
                {
                  label: 'Status',
                  value: state.status || null,
                  options: [
                    { value: 'active', label: 'Active' },
                    { value: 'on_vacation', label: 'On Vacation' },
                    { value: 'suspended', label: 'Suspended' },
                  ],
                  onChange: (v) => set({ status: (v ?? '') as 'active' }),
                },
              ]}
            />
          </div>
        )}
        <DataTable
          label="Members"
          columns={columns}
          rows={rows}
          idOf={(r) => r.id}
          loading={plain.isPending && shares.isPending}
          error={plain.error}
          retry={() => void plain.refetch()}
          empty={
            all && all.length > 0 ? (
              <EmptyState compact title="No member matches" action={<Button variant="light" size="xs" onClick={() => set({ member: '', status: '' })}>Show all members</Button>} />
            ) : (
              <EmptyState compact icon={IconUsers} title="Nobody is in this team yet" action={add}>
                Members draw from the pool when their own quota is used up.
              </EmptyState>
            )
          }
        />
      </Card>
      {adding && <AddMember team={team} name={name} members={all?.map((r) => r.id) ?? []} onClose={() => setAdding(false)} onAdded={changed} />}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Remove ${removing?.name} from ${name}?`}
        danger
        verb="Remove member"
        consequences={
          <>
            {removing?.name} ({removing?.email}) can no longer draw from this pool, and the shares of the others grow. What was drawn stays drawn.
            {removing?.status === 'on_vacation' && ' What this vacation released and is unspent goes back first.'}
          </>
        }
        onConfirm={async () => {
          const r = removing!;
          await client.DELETE('/v1/admin/teams/{team_id}/members/{user_id}', { params: { path: { team_id: team, user_id: r.id } } });
          done(`${r.name} is no longer in ${name}.`);
          changed();
        }}
      />
    </>
  );
}

function AddMember({ team, name, members, onClose, onAdded }: { team: string; name: string; members: string[]; onClose: () => void; onAdded: () => void }) {
  const attempt = useAttempt();
  const [person, setPerson] = useState<Person | null>(null);
  const [admin, setAdmin] = useState(false);
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async () => {
    if (!person) return setMissing(true);
    setBusy(true);
    setError(null);
    try {
      await client.POST('/v1/admin/teams/{team_id}/members/{user_id}', { params: { path: { team_id: team, user_id: person.id }, query: { is_admin: admin }, header: attempt.headers() } });
      done(`${person.name} is in ${name} now.`);
      onAdded();
      onClose();
    } catch (e) {
      if (e instanceof Problem && !e.transient) attempt.done();
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={`Add a member to ${name}`} size={440} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <Stack gap="md">
          <PersonPicker
            label="Person"
            required
            autoFocus
            value={person}
            onChange={(p) => {
              setPerson(p);
              setMissing(false);
            }}
            without={members}
            error={missing && !person ? 'Choose who joins the team.' : undefined}
          />
          <Checkbox label="Team admin" description="May add and remove members, set their vacation and move credits between them." checked={admin} onChange={(e) => setAdmin(e.currentTarget.checked)} />
          {error !== null && <Refused error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} disabled={busy}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              Add member
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
