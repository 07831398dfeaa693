import { Button, Group, Skeleton, Tabs } from '@mantine/core';
import { IconAdjustments, IconDots } from '@tabler/icons-react';
import { useNavigate, useParams } from '@tanstack/react-router';
import { allows, api, Problem, useSession } from '@/api';
import { Back, Card, Credits, DemoBadge, EmptyState, ErrorState, Figure, Figures, Id, LimitBar, PageHeader, SourceBadge, StatusBadge, Time, WaitingText, WindowBadge } from '@/components';
import { date, number } from '@/format';
import { flag, id, oneOf, useUrlState } from '@/url/state';
import { RoleBadge } from '../columns';
import { EditUser } from '../EditUser';
import { PersonActs } from '../PersonActs';
import { usePerson } from '../person';
import { teamName } from '../teams';
import { Burn } from './Burn';
import { Keys } from './Keys';
import { Models } from './Models';
import { History, Refusals, Transfers } from './Records';
import { Teams } from './Teams';
import classes from './User.module.css';
import { Waterfall } from './Waterfall';

const params = { tab: oneOf('keys', 'teams', 'transfers', 'refusals', 'audit'), adjust: flag, edit: id };

/** One person: what they may use and why, what they have used, and everything that belongs to them. */
export default function User() {
  const { user = '' } = useParams({ strict: false }) as { user?: string };
  const session = useSession();
  const navigate = useNavigate();
  const [state, set] = useUrlState(params);
  const person = usePerson(user);
  const why = api.useQuery('get', '/v1/admin/users/{user_id}/quota-explanation', { params: { path: { user_id: user } } }, { refetchInterval: 30_000, retry: false });
  const back = <Back to="/users">Manage Users</Back>;
  const p = person.data?.data;
  if (person.error && !p) {
    const gone = person.error instanceof Problem && person.error.status === 404;
    return (
      <>
        <PageHeader title="User" back={back} />
        <Card>{gone ? <EmptyState title="There is nobody here with this id">The person may have been deleted, or is in none of your teams. What was used stays in reports and in the audit log.</EmptyState> : <ErrorState error={person.error} what="this person" retry={() => void person.refetch()} retrying={person.isFetching} />}</Card>
      </>
    );
  }
  const e = why.data;
  const { unit } = session.organisation;
  const admin = allows(session, 'admin');
  const used = e?.used ?? p?.used_tokens ?? null;
  const limit = e?.effective_quota ?? p?.effective_quota ?? null;
  const more = (
    <Button variant="default" disabled={!p} leftSection={<IconDots size={16} aria-hidden />}>
      More
    </Button>
  );
  return (
    <>
      <PageHeader
        back={back}
        title={p ? <span className={classes.name}>{p.name}</span> : <WaitingText chars={12} />}
        badges={
          <>
            {p ? <StatusBadge status={p.status} /> : <Skeleton height={22} width={68} radius={11} />}
            {p && <RoleBadge role={p.access_role} />}
            {p && <DemoBadge demo={p.demo} />}
            <WindowBadge window={session.window} />
          </>
        }
        about={
          p ? (
            <span className={classes.facts}>
              <span>{p.email}</span>
              <span>{p.teams.length ? p.teams.map((t) => teamName(t) + (t.is_admin ? ' (admin)' : '')).join(', ') : 'in no team'}</span>
              {p.department_name && <span>{p.department_name}</span>}
              {p.status === 'on_vacation' && p.vacation_until && <span>back after {date(Date.parse(p.vacation_until) - 1, session.window.zone)}</span>}
              <span>
                last seen <Time at={p.last_seen_at} zone={session.window.zone} />
              </span>
              <Id value={p.id} short />
            </span>
          ) : (
            <span className={classes.facts}>
              <WaitingText chars={19} />
              <WaitingText chars={9} />
              <WaitingText chars={13} />
              <WaitingText chars={17} />
            </span>
          )
        }
        actions={
          (p || admin) && (
            <Group gap="xs">
              {p ? <PersonActs person={p} onEdit={() => set({ edit: p.id }, { push: true })} onDeleted={() => void navigate({ to: '/users' as '/' })} target={more} /> : more}
              {admin && (
                <Button disabled={!p} leftSection={<IconAdjustments size={16} aria-hidden />} onClick={() => set({ adjust: true }, { push: true })}>
                  Adjust quota
                </Button>
              )}
            </Group>
          )
        }
      />
      <div className={classes.stack}>
        <Figures>
          <Figure label="Limit" loading={!p} value={<Credits value={limit} />} of={unit} note={p && <SourceBadge source={p.source} />} hint="What counts now: the quota with transfers, reallocations, vacation and debt of this window." />
          <Figure label="Used" loading={!p} value={<Credits value={used} />} of={unit} note={e ? (e.held > 0 ? `${number(e.held)} more held` : 'nothing is held') : 'in this window'}>
            <LimitBar used={used} held={e?.held ?? 0} limit={limit} label={p ? `Quota of ${p.name}` : 'Quota'} unit={unit} />
          </Figure>
          <Figure label="Available" loading={!p || why.isPending} value={<Credits value={e?.available ?? null} />} of={e || why.isPending ? unit : undefined} tone={e && e.available <= 0 ? 'bad' : undefined} note={e ? (e.available <= 0 ? 'used up: a team pool pays, or requests are refused' : 'until the reset') : 'not known here'} />
        </Figures>
        <div className={classes.wide}>
          <Waterfall user={user} />
          <Burn user={user} name={p?.name ?? 'this person'} />
        </div>
        <Models user={user} name={p?.name ?? 'this person'} />
        {!p ? (
          <Skeleton height={220} radius={8} />
        ) : (
          <Card flush>
            <Tabs value={state.tab} onChange={(t) => t && set({ tab: t as typeof state.tab })} keepMounted={false}>
              <Tabs.List px={12}>
                <Tabs.Tab value="keys">Keys</Tabs.Tab>
                <Tabs.Tab value="teams">Teams</Tabs.Tab>
                <Tabs.Tab value="transfers">Transfers</Tabs.Tab>
                <Tabs.Tab value="refusals">Refusals</Tabs.Tab>
                <Tabs.Tab value="audit">Audit</Tabs.Tab>
              </Tabs.List>
              <div className={classes.tabs}>
                <Tabs.Panel value="keys" pt="sm">
                  <Keys person={p} />
                </Tabs.Panel>
                <Tabs.Panel value="teams" pt="sm">
                  <Teams person={p} />
                </Tabs.Panel>
                <Tabs.Panel value="transfers" pt="sm">
                  <Transfers person={p} />
                </Tabs.Panel>
                <Tabs.Panel value="refusals" pt="sm">
                  <Refusals person={p} />
                </Tabs.Panel>
                <Tabs.Panel value="audit" pt="sm">
                  <History person={p} />
                </Tabs.Panel>
              </div>
            </Tabs>
          </Card>
        )}
      </div>
      <EditUser id={state.adjust ? user : null} onClose={() => set({ adjust: false })} only="quota" />
      <EditUser id={state.edit} onClose={() => set({ edit: null })} />
    </>
  );
}
