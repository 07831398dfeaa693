import { api } from '@/api';
import { BurnUp } from '@/charts';
import { ChartCard, EmptyState } from '@/components';
import { date } from '@/format';
import { willItLast, windowOf } from '../overview/answers';

/** What my own quota has paid, against it. */
export function BurnDown() {
  const burn = api.useQuery('get', '/v1/users/me/burn');
  const b = burn.data;
  const last = b?.points.at(-1);
  const known = b?.points.some((p) => p.used > 0);
  return (
    <ChartCard
      question="Will my quota last?"
      answer={b && last && willItLast({ pace: b.pace, limit: last.limit ?? 0, used: last.used, window: b.window, unit: b.unit }, new Date())}
      loading={burn.isPending}
      error={burn.error}
      retry={() => void burn.refetch()}
      request={{ path: '/v1/users/me/burn' }}
      height={300}
      table={b ? { head: ['Until', 'Used', 'Quota'], rows: known ? b.points.map((p) => [date(p.at, b.window.tz), p.used, p.limit]) : [] } : null}
      empty={<EmptyState title="Your quota has paid nothing yet">The line begins with your first request of this window.</EmptyState>}
    >
      {b && <BurnUp points={b.points} window={windowOf(b.window)} perDay={b.pace.per_day} earliest={b.pace.earliest} latest={b.pace.latest} height={270} />}
    </ChartCard>
  );
}
