import { api } from '@/api';
import { BurnUp } from '@/charts';
import { ChartCard, EmptyState } from '@/components';
import { date } from '@/format';
import { willItLast, windowOf } from '../../overview/answers';

/** What a person's own quota has paid, against it. */
export function Burn({ user, name }: { user: string; name: string }) {
  const burn = api.useQuery('get', '/v1/admin/users/{user_id}/burn', { params: { path: { user_id: user } } });
  const b = burn.data;
  const last = b?.points.at(-1);
  const known = b?.points.some((p) => p.used > 0);
  return (
    <ChartCard
      question="Will it last?"
      answer={b && last && willItLast({ pace: b.pace, limit: last.limit ?? 0, used: last.used, window: b.window, unit: b.unit }, new Date())}
      loading={burn.isPending}
      error={burn.error}
      retry={() => void burn.refetch()}
      request={{ path: `/v1/admin/users/${user}/burn` }}
      height={250}
      table={b ? { head: ['Until', 'Used', 'Limit'], rows: known ? b.points.map((p) => [date(p.at, b.window.tz), p.used, p.limit]) : [] } : null}
      empty={<EmptyState title="Nothing was paid yet">The line begins with the first request of {name} in this window.</EmptyState>}
    >
      {b && <BurnUp points={b.points} window={windowOf(b.window)} perDay={b.pace.per_day} earliest={b.pace.earliest} latest={b.pace.latest} height={230} />}
    </ChartCard>
  );
}
