import { type components } from '@/api';
import { BurnUp } from '@/charts';
import { ChartCard, EmptyState } from '@/components';
import { date } from '@/format';
import { willItLast, windowOf } from './answers';

type Overview = components['schemas']['Overview'];

/** Use since the window began against the limit. */
export function WillItLast({ overview: o, loading, query, now }: { overview?: Overview; loading: boolean; query: Record<string, string>; now: Date }) {
  return (
    <ChartCard
      question="Will we last?"
      answer={o && willItLast(o, now)}
      loading={loading}
      request={{ path: '/v1/admin/overview', query }}
      height={370}
      table={o ? { head: ['Until', 'Used', 'Limit'], rows: o.burn.map((p) => [date(p.at, o.window.tz), p.used, p.limit]) } : null}
      empty={<EmptyState title="Nothing has been used yet">The line begins with the first request that is settled.</EmptyState>}
    >
      {o && <BurnUp points={o.burn} window={windowOf(o.window)} perDay={o.pace.per_day} earliest={o.pace.earliest} latest={o.pace.latest} height={344} />}
    </ChartCard>
  );
}
