import { Fragment } from 'react';
import { api } from '@/api';
import { ChartCard, Credits, Time } from '@/components';
import { absolute, number } from '@/format';
import { inWords, steps } from './waterfall';
import classes from './User.module.css';

/** Why the limit is what it is: the base, and each change that stands on it. */
export function Waterfall({ user }: { user: string }) {
  const why = api.useQuery('get', '/v1/admin/users/{user_id}/quota-explanation', { params: { path: { user_id: user } } });
  const e = why.data;
  const list = e ? steps(e.parts) : [];
  const top = Math.max(...list.flatMap((s) => [s.from, s.to]), e?.effective_quota ?? 0, 1);
  const at = (v: number) => `${(Math.max(v, 0) / top) * 100}%`;
  return (
    <ChartCard
      question={e ? `Why is the limit ${number(e.effective_quota)}?` : 'Why is the limit what it is?'}
      answer={e && inWords(e)}
      loading={why.isPending}
      error={why.error}
      retry={() => void why.refetch()}
      request={{ path: `/v1/admin/users/${user}/quota-explanation` }}
      height={250}
      table={e ? { head: ['Part', 'Credits', 'When', 'Reason'], rows: [...e.parts.map((p) => [p.label, p.amount, p.at ? absolute(p.at, e.window.tz) : null, p.reason ?? null]), ['Limit now', e.effective_quota, null, null]] } : null}
    >
      {e && (
        <dl className={classes.fall}>
          {list.map((s, i) => (
            <Fragment key={i}>
              <dt>
                {s.label}
                {(s.at || s.note) && (
                  <small>
                    {s.at && <Time at={s.at} zone={e.window.tz} />}
                    {s.at && s.note && ' · '}
                    {s.note}
                  </small>
                )}
              </dt>
              <dd className={classes.track} aria-hidden>
                <span data-kind={s.kind} style={{ left: at(Math.min(s.from, s.to)), width: at(Math.abs(s.to - s.from)) }} />
              </dd>
              <dd className={classes.amount}>
                <Credits value={s.amount} change={s.kind !== 'whole'} />
              </dd>
            </Fragment>
          ))}
          <dt data-sum>Limit now</dt>
          <dd className={classes.track} data-sum aria-hidden>
            <span data-kind="whole" style={{ left: 0, width: at(e.effective_quota) }} />
          </dd>
          <dd className={classes.amount} data-sum>
            <Credits value={e.effective_quota} unit={e.unit} />
          </dd>
        </dl>
      )}
    </ChartCard>
  );
}
