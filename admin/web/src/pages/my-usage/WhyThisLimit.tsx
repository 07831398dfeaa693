import { Skeleton } from '@mantine/core';
import { api } from '@/api';
import { Card, Credits, ErrorState, Time, WaitingText } from '@/components';
import { number } from '@/format';
import classes from './MyUsage.module.css';

/** The parts that my quota is made of. Their sum is the quota. */
export function WhyThisLimit() {
  const why = api.useQuery('get', '/v1/users/me/quota-explanation');
  const w = why.data;
  return (
    <Card title={w ? `Why is my quota ${number(w.effective_quota)}?` : 'Why is my quota what it is?'} about={w ? (w.parts.length > 1 ? 'The base, and what changed it in this window.' : 'It is the base: nothing was given, received or released.') : why.isPending && <WaitingText chars={36} />}>
      {why.isPending ? (
        <Skeleton height={220} />
      ) : why.error ? (
        <ErrorState error={why.error} what="how your quota comes about" retry={() => void why.refetch()} compact />
      ) : (
        <dl className={classes.parts}>
          {w?.parts.map((p, i) => (
            <div key={i} className={classes.part}>
              <dt>
                {p.label}
                {(p.at || p.reason) && (
                  <span>
                    {p.at && <Time at={p.at} zone={w.window.tz} />}
                    {p.at && p.reason && ' · '}
                    {p.reason}
                  </span>
                )}
              </dt>
              <dd>
                <Credits value={p.amount} change={p.kind !== 'base'} />
              </dd>
            </div>
          ))}
          <div className={classes.part} data-sum>
            <dt>Quota now</dt>
            <dd>
              <Credits value={w?.effective_quota} unit={w?.unit} />
            </dd>
          </div>
        </dl>
      )}
    </Card>
  );
}
