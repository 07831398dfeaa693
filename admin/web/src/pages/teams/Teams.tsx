import { Button } from '@mantine/core';
import { IconPlus, IconUsersGroup, IconZoomExclamation } from '@tabler/icons-react';
import { useThrottledCallback } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { api, may, useLongList, useSession, useStream, type components } from '@/api';
import { Card, Credits, EmptyState, Export, Figure, Figures, Filters, Freshness, LimitBar, LimitCell, LongTable, PageHeader, WindowBadge, type Column } from '@/components';
import { against, count, number, percent } from '@/format';
import { flag, sort, text, useUrlState } from '@/url/state';
import { AddTeam } from './TeamForm';
import { againstMedian, shareOf, sortable, type Team } from './teams';
import classes from './Teams.module.css';

type Sort = components['schemas']['TeamSort'];

const pageSize = 50;

const params = { q: text, sort: sort(sortable, { field: 'name', descending: false }), add: flag };

const columns: Column<Team>[] = [
  {
    id: 'name',
    title: 'Team',
    sortable: true,
    cell: (t) => (
      <div className={classes.name}>
        <Link to={`/teams/${t.id}` as '/'} className="truncate" title={t.name}>
          {t.name}
        </Link>
        {(t.demo || t.description) && <span className="soft truncate">{[t.demo && 'Demo', t.description].filter(Boolean).join(' · ')}</span>}
      </div>
    ),
  },
  { id: 'used', title: 'Pool used', width: 'clamp(112px, 15vw, 190px)', sortable: true, cell: (t) => <div className={classes.bar}><LimitCell used={t.pool_used} held={t.pool_held} limit={t.effective_pool} label={`Pool of ${t.name}`} /></div> },
  { id: 'free', title: 'Free', width: 'clamp(88px, 9vw, 110px)', sortable: true, numeric: true, cell: (t) => <Credits value={t.pool_available} /> },
  { id: 'pool', title: 'Pool', width: 110, sortable: true, numeric: true, from: 'tablet', cell: (t) => <Credits value={t.effective_pool} /> },
  { id: 'share', title: 'Share each', width: 130, sortable: true, numeric: true, from: 'desktop', cell: (t) => (shareOf(t) === null ? <span className="soft">first come</span> : <Credits value={shareOf(t)} />) },
  {
    id: 'members',
    title: 'Members',
    width: 150,
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
  { id: 'efficiency', title: 'Cost against median', width: 190, sortable: true, numeric: true, from: 'wide', cell: (t) => <span title={againstMedian(t.against_median) ?? 'Too few requests in this window to compare.'}>{against(t.against_median)}</span> },
];

/** Every team with its pool: what is used, held and free, and what each member may draw. */
export default function Teams() {
  const session = useSession();
  const navigate = useNavigate();
  const [state, set] = useUrlState(params);
  const query = { sort: `${state.sort.descending ? '-' : ''}${state.sort.field}` as Sort, q: state.q.trim() || undefined };
  const listed = JSON.stringify(query);
  const page = useCallback((cursor: string | null) => api.queryOptions('get', '/v1/admin/teams', { params: { query: { ...(JSON.parse(listed) as typeof query), limit: pageSize, cursor: cursor ?? undefined } } }, { staleTime: 10_000 }), [listed]);
  const list = useLongList<Team>(['teams', listed], pageSize, page);
  const first = useQuery({ ...page(null), placeholderData: (before) => before });
  const again = useQueryClient();
  const anew = useThrottledCallback(() => void again.invalidateQueries({ queryKey: ['get', '/v1/admin/teams'] }), 5000);
  const stream = useStream('/v1/admin/stream', { usage: anew, directory: anew, reset: anew });
  const all = first.data?.totals;
  const create = may(session, 'createTeam');
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => set({ add: true }, { push: true })}>
      Add Team
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Manage Teams"
        badges={
          <>
            <WindowBadge window={session.window} />
            <Freshness at={first.dataUpdatedAt} live={stream.live} />
          </>
        }
        actions={create && add}
      />
      <div className={classes.stack}>
        {!(first.error && !all) && (
          <Figures>
            <Figure label="Teams" loading={!all} value={number(all?.teams)} note={all && (all.nearly_empty > 0 ? `${count(all.nearly_empty, 'pool has', 'pools have')} less than a tenth left` : 'every pool has a tenth or more left')} tone={all && all.nearly_empty > 0 ? 'warn' : undefined} />
            <Figure label="Pools together" loading={!all} value={<Credits value={all?.pool} />} of={session.organisation.unit} note={session.window.end ? 'per window, vacation releases included' : 'vacation releases included'}>
              <LimitBar used={all?.used ?? 0} held={all?.held ?? 0} limit={all?.pool ?? null} label="All pools" unit={session.organisation.unit} />
            </Figure>
            <Figure label="Used" loading={!all} value={<Credits value={all?.used} />} note={all && `${percent(all.used, all.pool)} of all pools`} />
            <Figure label="Held now" loading={!all} value={<Credits value={all?.held} />} note="by requests in flight" hint="Set aside for requests that are running. What they do not use is given back when they end." />
            <Figure label="Free" loading={!all} value={<Credits value={all?.free} />} note={all && `${percent(all.free, all.pool)} of all pools`} />
          </Figures>
        )}
        <div>
          <Filters
            search={state.q}
            onSearch={(q) => set({ q })}
            placeholder="Find a team"
            end={
              (first.isPending || (all && all.teams > 0)) && <Export what="teams" disabled={!all} request={{ path: '/v1/admin/teams', query: { ...query, limit: 200 } }} csvPath="/v1/admin/teams.csv" />
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
                all && all.teams > 0 ? (
                  <EmptyState icon={IconZoomExclamation} title="No team matches" action={<Button variant="light" size="xs" onClick={() => set({ q: '' })}>Show all teams</Button>}>
                    Names were searched for “{state.q}”.
                  </EmptyState>
                ) : (
                  <EmptyState icon={IconUsersGroup} title={create ? 'No teams yet' : 'You are in no team yet'} action={create && add}>
                    A team has a pool that its members draw from when their own quota is used up, each the same share.
                  </EmptyState>
                )
              }
            />
          </Card>
        </div>
      </div>
      {create && <AddTeam opened={state.add} onClose={() => set({ add: false })} />}
    </>
  );
}
