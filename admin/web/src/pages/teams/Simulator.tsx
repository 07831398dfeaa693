import { Button, NumberInput, Skeleton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { api } from '@/api';
import { Card, Credits, ErrorState } from '@/components';
import { count, number } from '@/format';
import { figure, useUrlState } from '@/url/state';
import type { Shares } from './teams';
import classes from './Teams.module.css';

const params = { joining: figure, away: figure, pool: figure };

/** What if 3 join, 2 go on vacation, the pool is 20,000? Answered by the server with the rule that counts; nothing is changed. */
export function Simulator({ team, now }: { team: string; now?: Shares }) {
  const [state, set] = useUrlState(params);
  const [asked] = useDebouncedValue(state, 250);
  const asks = asked.joining !== null || asked.away !== null || asked.pool !== null;
  const query = { joining: asked.joining ?? undefined, away: asked.away ?? undefined, pool: asked.pool ?? undefined };
  const would = api.useQuery('get', '/v1/admin/teams/{team_id}/shares', { params: { path: { team_id: team }, query } }, { enabled: asks, placeholderData: (before) => before });
  const then = asks ? would.data?.simulated : undefined;
  const base = would.data ?? now;
  const set1 = (name: 'joining' | 'away' | 'pool') => (v: number | string) => set({ [name]: typeof v === 'number' ? v : null });
  return (
    <Card
      title="What if …?"
      about="Only a question: nothing is changed."
      actions={
        asks && (
          <Button variant="subtle" color="gray" size="xs" onClick={() => set({ joining: null, away: null, pool: null })}>
            Clear
          </Button>
        )
      }
    >
      <div className={classes.form}>
        <NumberInput label="Join the team" description="below 0: leave" placeholder="0" min={-100_000} max={100_000} allowDecimal={false} value={state.joining ?? ''} onChange={set1('joining')} />
        <NumberInput label="Go on vacation" description="of those active" placeholder="0" min={0} max={100_000} allowDecimal={false} allowNegative={false} value={state.away ?? ''} onChange={set1('away')} />
        <NumberInput label="Pool" description="credits per window" placeholder={base ? number(base.pool) : ''} min={0} max={9_000_000_000} allowNegative={false} value={state.pool ?? ''} onChange={set1('pool')} />
      </div>
      {asks && would.error ? (
        <ErrorState compact error={would.error} what="the simulation" retry={() => void would.refetch()} retrying={would.isFetching} />
      ) : asks && !then ? (
        <Skeleton height={140} mt={16} />
      ) : (
        then &&
        base && (
          <>
            <div className={classes.result} role="table" aria-label="Now and then">
              <Line name="" a="now" b="then" head />
              <Line name="Pool" a={<Credits value={base.pool} />} b={<Credits value={then.pool} />} />
              <Line name="Active members" a={number(base.active_count)} b={number(then.active_count)} />
              <Line name="Share each" a={<Credits value={base.share} />} b={<strong><Credits value={then.share} /></strong>} />
              <Line name="Free in the pool" a={<Credits value={base.free} />} b={<Credits value={then.free} />} />
            </div>
            <p className={classes.verdict} aria-live="polite">
              {verdict(base, then)}
            </p>
          </>
        )
      )}
      {!asks && <p className={`soft ${classes.verdict}`}>Type a figure to see how each share would change.</p>}
    </Card>
  );
}

function Line({ name, a, b, head }: { name: string; a: React.ReactNode; b: React.ReactNode; head?: boolean }) {
  const role = head ? 'columnheader' : 'cell';
  return (
    <div role="row" style={{ display: 'contents' }}>
      <span role={head ? 'columnheader' : 'rowheader'} className={head ? undefined : 'soft'}>
        {name || <span className="soft">Figure</span>}
      </span>
      <span role={role}>{a}</span>
      <span role={role}>{b}</span>
    </div>
  );
}

/** The answer in words. */
export function verdict(now: Pick<Shares, 'share'>, then: NonNullable<Shares['simulated']>): string {
  if (then.active_count === 0) return 'Nobody would be active, so nobody could draw from the pool.';
  const change = then.share - now.share;
  const first = change === 0 ? `Each share stays ${number(then.share)}.` : `Each share would be ${number(Math.abs(change))} ${change > 0 ? 'larger' : 'smaller'}: ${number(then.share)} instead of ${number(now.share)}.`;
  return then.below_drawn > 0 ? `${first} ${count(then.below_drawn, 'member has', 'members have')} drawn more than that already: they keep it and get no more.` : first;
}
