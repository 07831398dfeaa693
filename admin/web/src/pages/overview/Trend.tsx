import { Bars } from '@/charts';
import { ChartCard, EmptyState } from '@/components';
import { date, number } from '@/format';
import { against } from './answers';
import { useByModel } from './series';

/** What each day cost. */
export function Trend({ query, used, previous }: { query: Parameters<typeof useByModel>[0]; used?: number; previous?: number }) {
  const { answer, request } = useByModel(query);
  const d = answer.data;
  const days = new Map<number, number>();
  for (const g of d?.groups ?? []) for (const p of g.points ?? []) days.set(Date.parse(p.at), (days.get(Date.parse(p.at)) ?? 0) + (p.sums.credits ?? 0));
  const rows = [...days].sort(([a], [b]) => a - b).map(([t, credits]) => ({ t, credits }));
  const busy = rows.filter((r) => r.credits > 0);
  const top = busy.reduce<{ t: number; credits: number } | null>((a, b) => (a && a.credits >= b.credits ? a : b), null);
  const change = against(used, previous);
  return (
    <ChartCard
      question="What does a day cost?"
      answer={d && (top ? `${number((d.totals.credits ?? 0) / busy.length)} ${d.unit} on a day with use; the most on ${date(top.t, d.tz)}: ${number(top.credits)}.${change ? ` In all ${change}.` : ''}` : 'Nothing has been used in this window yet.')}
      loading={answer.isPending}
      error={answer.error}
      retry={() => void answer.refetch()}
      request={request}
      height={240}
      table={d ? { head: ['Day', `Credits`], rows: busy.length ? rows.map((r) => [date(r.t, d.tz), r.credits]) : [] } : null}
      empty={<EmptyState title="No day with use yet">Each settled request adds to the day on which it ended.</EmptyState>}
    >
      {d && <Bars rows={rows} series={[{ key: 'credits', name: d.unit, colour: 'var(--a-cat-1)' }]} zone={d.tz} height={240} />}
    </ChartCard>
  );
}
