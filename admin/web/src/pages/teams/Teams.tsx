import { Button } from '@mantine/core';
import { IconPlus, IconUsersGroup, IconZoomExclamation } from '@tabler/icons-react';
import { useThrottledCallback } from '@mantine/hooks';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, may, useSession, useStream, useWholeList } from '@/api';
import { Card, Credits, EmptyState, Export, Figure, Figures, Filters, Freshness, LimitBar, LimitCell, LongTable, PageHeader, WindowBadge, type Column } from '@/components';
import { against, count, number, percent } from '@/format';
import { flag, sort, text, useUrlState } from '@/url/state';
import { AddTeam } from './TeamForm';
import { againstMedian, shareOf, sortable, sorted, useTeams, type Team } from './teams';
import classes from './Teams.module.css';

const params = { q: text, sort: sort(sortable, { field: 'name', descending: false }), add: flag };

/** Every team with its pool: what is used, held and free, and what each member may draw. */
export default function Teams() {
  const session = useSession();
  const navigate = useNavigate();
  const [state, set] = useUrlState(params);
  const teams = useTeams();
  const efficiency = api.useQuery('get', '/v1/admin/efficiency', { params: { query: { by: 'team', top: 5000 } } }, { staleTime: 60_000 });
  const anew = useThrottledCallback(() => void teams.refetch(), 3000);
  const stream = useStream('/v1/admin/stream', { usage: anew, directory: anew, reset: anew });

  const ratios = useMemo(() => new Map((efficiency.data?.data ?? []).map((r) => [r.id, r.against_median ?? null])), [efficiency.data]);
  const all = teams.data?.teams;
  const rows = useMemo(() => {
    const q = state.q.trim().toLocaleLowerCase();
    const matching = all?.filter((t) => !q || t.name.toLocaleLowerCase().includes(q) || t.description.toLocaleLowerCase().includes(q));
    return matching && sorted(matching, state.sort.field, state.sort.descending, ratios);
  }, [all, state.q, state.sort, ratios]);
  const list = useWholeList(JSON.stringify([state.q, state.sort]), rows, teams);
  const sum = (of: (t: Team) => number) => all?.reduce((n, t) => n + of(t), 0);
  const pool = sum((t) => t.effective_pool);
  const used = sum((t) => t.pool_used);
  const held = sum((t) => t.pool_held);
  const free = sum((t) => t.pool_available);
  const nearly = all?.filter((t) => t.effective_pool > 0 && t.pool_available < 0.1 * t.effective_pool).length ?? 0;
  const create = may(session, 'createTeam');
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => set({ add: true }, { push: true })}>
      Add Team
    </Button>
  );
  const columns = useMemo(() => columnsOf(ratios), [ratios]);
  return (
    <>
      <PageHeader
        title="Manage Teams"
        badges={
          <>
            <WindowBadge window={session.window} />
            <Freshness at={teams.dataUpdatedAt} live={stream.live} />
          </>
        }
        actions={create && add}
      />
      <div className={classes.stack}>
        {!(teams.error && !all) && (
          <Figures>
            <Figure label="Teams" loading={!all} value={number(all?.length)} note={nearly > 0 ? `${count(nearly, 'pool has', 'pools have')} less than a tenth left` : 'every pool has a tenth or more left'} tone={nearly > 0 ? 'warn' : undefined} />
            <Figure label="Pools together" loading={!all} value={<Credits value={pool} />} of={session.organisation.unit} note={session.window.end ? 'per window, vacation releases included' : 'vacation releases included'}>
              <LimitBar used={used} held={held} limit={pool ?? null} label="All pools" unit={session.organisation.unit} />
            </Figure>
            <Figure label="Used" loading={!all} value={<Credits value={used} />} note={`${percent(used, pool)} of all pools`} />
            <Figure label="Held now" loading={!all} value={<Credits value={held} />} note="by requests in flight" hint="Set aside for requests that are running. What they do not use is given back when they end." />
            <Figure label="Free" loading={!all} value={<Credits value={free} />} note={`${percent(free, pool)} of all pools`} />
          </Figures>
        )}
        <div>
          <Filters
            search={state.q}
            onSearch={(q) => set({ q })}
            placeholder="Find a team"
            end={
              all && all.length > 0 && (
                <Export
                  what="teams"
                  request={{ path: '/v1/admin/teams', query: { limit: 200 } }}
                  rows={() => ({
                    head: ['id', 'name', 'description', 'pool', 'used', 'held', 'free', 'sharing', 'share_each', 'members', 'active', 'cost_against_median'],
                    rows: (rows ?? []).map((t) => [t.id, t.name, t.description, t.effective_pool, t.pool_used, t.pool_held, t.pool_available, t.pool_sharing, shareOf(t), t.member_count, t.active_count, ratios.get(t.id)]),
                  })}
                />
              )
            }
          />
          <Card flush>
            <LongTable
              label="Teams"
              list={list}
              columns={columns}
              idOf={(t) => t.id}
              sort={state.sort}
              onSort={(next) => set({ sort: next as typeof state.sort })}
              onOpen={(t) => void navigate({ to: `/teams/${t.id}` as '/' })}
              empty={
                all && all.length > 0 ? (
                  <EmptyState icon={IconZoomExclamation} title="No team matches" action={<Button variant="light" size="xs" onClick={() => set({ q: '' })}>Show all teams</Button>}>
                    Names and descriptions were searched for “{state.q}”.
                  </EmptyState>
                ) : (
                  <EmptyState icon={IconUsersGroup} title={create ? 'No teams yet' : 'You are in no team yet'} action={create && add}>
                    A team has a pool that its members draw from when their own quota is used up, each the same share.
                  </EmptyState>
                )
              }
            />
            {teams.data?.more && <p className={classes.legend}>The first {number(all?.length)} teams are shown. Use the search on top of the page for the others.</p>}
          </Card>
        </div>
      </div>
      {create && <AddTeam opened={state.add} onClose={() => set({ add: false })} />}
    </>
  );
}

/** `ratios` are what each team pays against the median, by id. */
function columnsOf(ratios: ReadonlyMap<string, number | null>): Column<Team>[] {
  return [
    {
      id: 'name',
      title: 'Team',
      sortable: true,
      cell: (t) => (
        <div className={classes.name}>
          <Link to={`/teams/${t.id}` as '/'} className="truncate" title={t.name}>
            {t.name}
          </Link>
          {t.description && <span className="soft truncate">{t.description}</span>}
        </div>
      ),
    },
    { id: 'used', title: 'Pool used', sortable: true, cell: (t) => <div className={classes.bar}><LimitCell used={t.pool_used} held={t.pool_held} limit={t.effective_pool} label={`Pool of ${t.name}`} /></div> },
    { id: 'free', title: 'Free', sortable: true, numeric: true, cell: (t) => <Credits value={t.pool_available} /> },
    { id: 'pool', title: 'Pool', sortable: true, numeric: true, from: 'tablet', cell: (t) => <Credits value={t.effective_pool} /> },
    { id: 'share', title: 'Share each', sortable: true, numeric: true, from: 'desktop', cell: (t) => (shareOf(t) === null ? <span className="soft">first come</span> : <Credits value={shareOf(t)} />) },
    {
      id: 'members',
      title: 'Members',
      sortable: true,
      numeric: true,
      from: 'tablet',
      cell: (t) => (
        <>
          {number(t.member_count)}
          {t.active_count < t.member_count && <span className="soft"> · {number(t.active_count)} active</span>}
        </>
      ),
    },
    { id: 'efficiency', title: 'Cost against median', sortable: true, numeric: true, from: 'wide', cell: (t) => <span title={againstMedian(ratios.get(t.id)) ?? 'Too few requests in this window to compare.'}>{against(ratios.get(t.id))}</span> },
  ];
}
