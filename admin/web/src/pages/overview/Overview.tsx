import { useQueryClient } from '@tanstack/react-query';
import { useThrottledCallback } from '@mantine/hooks';
import { api, useSession, useStream } from '@/api';
import { allows } from '@/api/permission';
import { Credits, ErrorState, Figure, Figures, Freshness, LimitBar, PageHeader, WaitingText, useNow } from '@/components';
import { count, dayMonth, number, percent } from '@/format';
import { scopeQuery, usePeriod, useScope } from '@/shell/controls';
import { FirstSteps } from '../onboarding/Banner';
import { against, isOver, paceFigure } from './answers';
import { DemoNote } from './DemoNote';
import { Efficiency } from './Efficiency';
import classes from './Overview.module.css';
import { Refused } from './Refused';
import { Trend } from './Trend';
import { WhatFor } from './WhatFor';
import { Who } from './Who';
import { WillItLast } from './WillItLast';

/** Will it last, who uses it, what for, and what was refused. */
export default function Overview() {
  const session = useSession();
  const [scope] = useScope();
  const { period } = usePeriod();
  const now = useNow(60_000);
  const queries = useQueryClient();
  const query = { ...scopeQuery(scope), window: period.window };
  const overview = api.useQuery('get', '/v1/admin/overview', { params: { query } }, { placeholderData: (before) => before, refetchInterval: 60_000 });
  const anew = useThrottledCallback(() => {
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/overview'] });
  }, 3000);
  const slowly = useThrottledCallback(() => {
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/usage/query'] });
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/efficiency'] });
  }, 30_000);
  const stream = useStream(period.window === 'current' ? '/v1/admin/stream' : null, {
    usage: () => {
      anew();
      slowly();
    },
    denial: anew,
    directory: anew,
    reset: anew,
  });

  const o = overview.data;
  const header = (
    <>
      <PageHeader
        title="Overview"
        badges={<Freshness at={stream.at && stream.live && stream.at.getTime() > overview.dataUpdatedAt ? stream.at : overview.dataUpdatedAt} live={stream.live} />}
        about={scope.level !== 'organization' && o ? `Only ${o.scope.name}` : undefined}
      />
      <FirstSteps />
    </>
  );
  if (overview.error && !o) {
    return (
      <>
        {header}
        <ErrorState error={overview.error} what="the overview" retry={() => void overview.refetch()} retrying={overview.isFetching} />
      </>
    );
  }
  const loading = !o;
  const over = o ? isOver(o, now) : false;
  const pace = o ? paceFigure(o.pace, o.window, o.used, o.limit) : null;
  const tokens = o ? Object.values(o.tokens).reduce((a, b) => a + b, 0) : null;
  const admin = allows(session, 'admin');
  const unit = o?.unit ?? session.organisation.unit;
  return (
    <>
      {header}
      <DemoNote overview={o} />
      <div className={classes.stack}>
        <Figures>
          <Figure
            label="Used"
            loading={loading}
            value={<Credits value={o?.used} />}
            of={`of ${number(o?.limit)} ${unit}`}
            hint={o?.limit_source === 'allocated' ? (o.demo_used === null ? 'There is no cap for all together, so the limit is the sum of quotas and pools.' : 'No cap concerns demo data, so the limit is the sum of quotas and pools.') : 'The limit is the cap that is enforced for all together.'}
            note={o && (against(o.used, o.previous.used) ?? 'the first window with use')}
          >
            <LimitBar used={o?.used} held={o?.held} limit={o?.limit} label="Used of the limit" unit={unit} />
          </Figure>
          <Figure label="Held now" loading={loading} value={<Credits value={o?.held} />} of={unit} hint="Set aside for requests that are running. What they do not use is given back when they end." note={over ? 'the window is over' : count(o?.held_requests, 'request in flight', 'requests in flight')} />
          <Figure label={over ? 'Left at the end' : 'Remaining'} loading={loading} value={<Credits value={o?.left} />} of={unit} tone={o && o.limit > 0 && o.left / o.limit < 0.1 ? 'bad' : undefined} note={o && (o.limit > 0 && o.left / o.limit < 0.1 ? `${percent(o.left, o.limit)}: less than a tenth is left` : `${percent(o.left, o.limit)} of the limit`)} />
          {!over && <Figure label="At this pace" loading={loading} value={pace?.value} note={pace?.note} tone={pace?.tone} hint="The days so far, carried on. The range holds four cases in five." />}
          <Figure
            label="Overshoot"
            loading={loading}
            value={number(o?.overshoot.count)}
            tone={o && o.overshoot.count > 0 ? 'bad' : undefined}
            hint="How often a settlement went past a limit. Holds are taken before a request runs, so this should be 0."
            note={o && (o.overshoot.count > 0 ? `since ${dayMonth(o.overshoot.since, o.window.tz)}: look at Requests` : `none since ${dayMonth(o.overshoot.since, o.window.tz)}`)}
          />
        </Figures>
        <dl className={classes.facts}>
          <Fact term="Users" loading={loading} value={number(o?.people.total)} more={o && `${number(o.people.active)} active, ${number(o.people.on_vacation)} on vacation, ${number(o.people.suspended)} suspended`} />
          <Fact term="Teams" loading={loading} value={number(o?.teams)} more={o && (o.projects > 0 ? count(o.projects, 'project', 'projects') : `${number(o.people.used)} of ${count(o.people.total, 'user', 'users')} used something`)} />
          <Fact term="Tokens used" loading={loading} value={number(tokens)} more={o && `${number((o.tokens.input ?? 0) + (o.tokens.cached_input ?? 0) + (o.tokens.cache_write ?? 0))} in, ${number((o.tokens.output ?? 0) + (o.tokens.reasoning ?? 0))} out`} />
          <Fact term="Requests" loading={loading} value={number(o?.requests)} more={o && (against(o.requests, o.previous.requests) ?? 'the first window with requests')} />
          <Fact term="Refused" loading={loading} value={number(o?.denials)} more={o && (o.denials > 0 ? `${percent(o.denials, o.requests + o.denials)} of all` : 'nobody was stopped')} />
        </dl>
        <div className={classes.wide}>
          <WillItLast overview={o} loading={loading} query={query} now={now} />
          <Who overview={o} loading={loading} query={query} />
        </div>
        <div className={classes.halves} data-after>
          <Trend query={query} previous={o?.previous.used} used={o?.used} />
          <WhatFor query={query} />
        </div>
        <div className={classes.wide} data-after>
          <Efficiency query={query} />
          <Refused overview={o} loading={loading} admin={admin} />
        </div>
      </div>
    </>
  );
}

function Fact({ term, value, more, loading }: { term: string; value: string; more?: string; loading: boolean }) {
  return (
    <div className={classes.fact}>
      <dt>{term}</dt>
      <dd>
        <strong className="num">{loading ? <WaitingText chars={4} /> : value}</strong>
        <span>{loading ? <WaitingText chars={16} /> : more}</span>
      </dd>
    </div>
  );
}
