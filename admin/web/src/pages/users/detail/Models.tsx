import { api } from '@/api';
import { ChartCard, Credits, EmptyState } from '@/components';
import { count, percent } from '@/format';
import { categoryColour } from '@/theme/categories';
import { largest } from '../../overview/answers';
import classes from './User.module.css';

/** What a person used, by model, whoever paid. */
export function Models({ user, name }: { user: string; name: string }) {
  const query = { user, group_by: ['model' as const], measures: ['credits' as const, 'requests' as const], top: 6 };
  const usage = api.useQuery('get', '/v1/admin/usage/query', { params: { query } });
  const d = usage.data;
  const groups = (d?.groups ?? []).map((g) => ({ name: g.other ? 'other' : g.keys[0]?.name || g.keys[0]?.id || 'unknown', credits: g.sums.credits ?? 0, requests: g.sums.requests ?? 0, rest: g.other }));
  const most = Math.max(...groups.map((g) => g.credits), 1);
  const total = d?.totals.credits ?? 0;
  return (
    <ChartCard
      question="Which models?"
      answer={d && largest(groups, d.unit)}
      loading={usage.isPending}
      error={usage.error}
      retry={() => void usage.refetch()}
      request={{ path: '/v1/admin/usage/query', query: { user, group_by: 'model', measures: 'credits,requests', top: 6 } }}
      height={120}
      table={d ? { head: ['Model', 'Credits', 'Requests'], rows: groups.map((g) => [g.name, g.credits, g.requests]) } : null}
      empty={<EmptyState compact title="No model used yet">Models appear here with the first request of {name} in this window.</EmptyState>}
    >
      <ul className={classes.bars}>
        {groups.map((g, i) => (
          <li key={g.name}>
            <span className="truncate" title={g.name}>
              {g.name} <span className="soft">{count(g.requests, 'request', 'requests')}</span>
            </span>
            <span className="num">
              <Credits value={g.credits} /> <span className="soft">{percent(g.credits, total)}</span>
            </span>
            <span className={classes.rail} aria-hidden>
              <span style={{ width: `${(g.credits / most) * 100}%`, background: categoryColour(i, g.name) }} />
            </span>
          </li>
        ))}
      </ul>
    </ChartCard>
  );
}
