import { ActionIcon, Button, Menu } from '@mantine/core';
import { useThrottledCallback } from '@mantine/hooks';
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { administers, api, client, ifMatch, may, useSession, useStream, useTagged } from '@/api';
import { Back, Card, Confirm, Credits, DemoBadge, ErrorState, Figure, Figures, Freshness, LimitBar, PageHeader, WaitingText, WindowBadge, done } from '@/components';
import { count, number, percent, signed } from '@/format';
import { flag, useUrlState } from '@/url/state';
import { Drawn } from './Drawn';
import { Efficiency } from './Efficiency';
import { Members } from './Members';
import { Simulator } from './Simulator';
import { EditTeam } from './TeamForm';
import { shareOf, type Team as TeamRecord } from './teams';
import classes from './Teams.module.css';

const params = { edit: flag };

/** One team: its pool, who may draw how much of it, and what would change that. */
export default function Team() {
  const session = useSession();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { team: id = '' } = useParams({ strict: false }) as { team?: string };
  const [state, set] = useUrlState(params);
  const [deleting, setDeleting] = useState(false);
  const team = useTagged<TeamRecord>(['team', id], (signal) => client.GET('/v1/admin/teams/{team_id}', { params: { path: { team_id: id } }, signal }));
  const shares = api.useQuery('get', '/v1/admin/teams/{team_id}/shares', { params: { path: { team_id: id } } }, { placeholderData: (before) => before });
  const anew = useThrottledCallback(() => {
    void queries.invalidateQueries({ queryKey: ['team', id] });
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/teams/{team_id}/shares'] });
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/teams/{team_id}/members'] });
  }, 3000);
  const stream = useStream('/v1/admin/stream', { usage: anew, directory: anew, reset: anew });
  const back = <Back to="/teams">Manage Teams</Back>;
  const t = team.data?.data;
  if (team.error && !t) {
    return (
      <>
        <PageHeader back={back} title="Team" />
        <ErrorState error={team.error} what="this team" retry={() => void team.refetch()} retrying={team.isFetching} />
      </>
    );
  }
  const change = may(session, 'updateTeam');
  const manages = administers(session, id);
  const released = t ? t.effective_pool - t.common_pool : 0;
  const share = t ? shareOf(t) : null;
  return (
    <>
      <PageHeader
        back={back}
        title={t?.name ?? 'Team'}
        badges={
          <>
            <DemoBadge demo={t?.demo} />
            <WindowBadge window={session.window} />
            <Freshness at={team.dataUpdatedAt} live={stream.live} />
          </>
        }
        actions={
          change && (
            <>
              <Button variant="default" disabled={!t} leftSection={<IconPencil size={16} />} onClick={() => set({ edit: true }, { push: true })}>
                Edit team
              </Button>
              <Menu position="bottom-end" width={180} transitionProps={{ duration: 120 }}>
                <Menu.Target>
                  <ActionIcon size={36} variant="default" disabled={!t} aria-label="More for this team">
                    <IconDots size={18} />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => setDeleting(true)}>
                    Delete team
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            </>
          )
        }
      />
      <div className={classes.stack}>
        <p className={classes.description}>{t ? t.description || 'Nothing is said about this team yet.' : <WaitingText chars={32} />}</p>
        <Figures>
          <Figure label="Pool" loading={!t} value={<Credits value={t?.effective_pool} />} of={session.organisation.unit} note={released !== 0 ? `${number(t?.common_pool)} set, ${signed(released)} released and moved` : 'as it was set'} />
          <Figure label="Used" loading={!t} value={<Credits value={t?.pool_used} />} note={t && `${percent(t.pool_used, t.effective_pool)} of the pool`} />
          <Figure label="Held now" loading={!t} value={<Credits value={t?.pool_held} />} note="by requests in flight" hint="Set aside for requests that are running. What they do not use is given back when they end." />
          <Figure label="Free" loading={!t} value={<Credits value={t?.pool_available} />} tone={t && t.effective_pool > 0 && t.pool_available < 0.1 * t.effective_pool ? 'bad' : undefined} note={t && (t.effective_pool > 0 && t.pool_available < 0.1 * t.effective_pool ? 'less than a tenth is left' : `${percent(t.pool_available, t.effective_pool)} of the pool`)} />
          <Figure
            label="Share each"
            loading={!t}
            value={t && (share === null ? 'First come' : <Credits value={share} />)}
            note={t && (t.active_count === 0 ? 'nobody is active' : share === null ? `${count(t.active_count, 'member draws', 'members draw')} until it is empty` : `${number(t.effective_pool)} ÷ ${count(t.active_count, 'active member', 'active members')}`)}
            hint="What each active member may draw from the pool when the own quota is used up. It changes when people join, leave, or go on vacation; what was drawn stays drawn."
          />
        </Figures>
        <Card title="Pool">
          <div className={classes.pool}>
            <LimitBar used={t?.pool_used} held={t?.pool_held} limit={t?.effective_pool} loading={!t} label={`Pool of ${t?.name ?? 'the team'}`} unit={session.organisation.unit} legend height={14} />
          </div>
        </Card>
        <Members team={id} name={t?.name ?? 'this team'} shares={shares} manages={manages} />
        <div className={classes.halves}>
          <Simulator team={id} now={shares.data} />
          <Drawn team={id} shares={shares} />
        </div>
        <Efficiency team={id} />
      </div>
      {state.edit && team.data && change && (
        <EditTeam
          team={team.data}
          onClose={() => set({ edit: false })}
          reload={async () => (await team.refetch()).data}
        />
      )}
      {t && (
        <Confirm
          opened={deleting}
          onClose={() => setDeleting(false)}
          title={`Delete ${t.name}?`}
          danger
          verb="Delete team"
          acknowledge={t.member_count > 0 ? `${count(t.member_count, 'person loses', 'people lose')} this pool` : undefined}
          consequences={
            <>
              {t.member_count > 0 ? `${count(t.member_count, 'member', 'members')} can no longer draw from its pool, of which ${number(t.pool_available)} credits are free. ` : ''}
              What members on vacation have released and is unspent goes back to them. People, their quotas and what was used stay. A deleted team cannot be brought back.
            </>
          }
          onConfirm={async () => {
            await client.DELETE('/v1/admin/teams/{team_id}', { params: { path: { team_id: id }, header: ifMatch(team.data) as never } });
            done(`${t.name} was deleted.`);
            await navigate({ to: '/teams' as '/' });
            void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/teams'] });
          }}
        />
      )}
    </>
  );
}
