import { Skeleton } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { api } from '@/api';
import { Card, EmptyState, ErrorState, Time } from '@/components';
import classes from './MyUsage.module.css';

/** What I was refused, each with the way to why. */
export function Refusals() {
  const decisions = api.useQuery('get', '/v1/users/me/decisions', { params: { query: { limit: 5 } } });
  const rows = decisions.data?.data ?? [];
  return (
    <Card title="Why was I refused?" about={rows.length ? 'The newest five.' : undefined}>
      {decisions.isPending ? (
        <Skeleton height={160} />
      ) : decisions.error ? (
        <ErrorState error={decisions.error} what="your refusals" retry={() => void decisions.refetch()} compact />
      ) : rows.length === 0 ? (
        <EmptyState compact icon={IconCircleCheck} title="You were never refused">
          If that happens, the reason and what would have passed stand here.
        </EmptyState>
      ) : (
        <ul className={classes.plain}>
          {rows.map((d) => (
            <li key={d.id} className={classes.item}>
              <div>
                <div>{d.title}</div>
                <div className="soft">
                  {d.model || 'no model'} · <Time at={d.at} />
                </div>
              </div>
              <Link to={`/explain/${d.id}` as '/'} aria-label={`Explain: ${d.title}`}>
                Explain
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
