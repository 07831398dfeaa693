import { StackedAreas, seriesOf, type TimeRow } from '@/charts';
import { ChartCard, EmptyState } from '@/components';
import { date } from '@/format';
import { largest } from './answers';
import { useByModel } from './series';

/** Credits a day by model: the six largest and other. */
export function WhatFor({ query }: { query: Parameters<typeof useByModel>[0] }) {
  const { answer, request } = useByModel(query);
  const d = answer.data;
  const groups = (d?.groups ?? []).filter((g) => (g.sums.credits ?? 0) > 0);
  const named = groups.map((g, i) => ({ key: `m${i}`, name: g.other ? 'other' : g.keys[0]?.name || g.keys[0]?.id || 'unknown', other: g.other }));
  const byTime = new Map<number, TimeRow>();
  groups.forEach((g, i) => {
    for (const p of g.points ?? []) {
      const t = Date.parse(p.at);
      const row = byTime.get(t) ?? ({ t } as TimeRow);
      row[`m${i}`] = p.sums.credits ?? 0;
      byTime.set(t, row);
    }
  });
  const rows = [...byTime.values()].sort((a, b) => a.t - b.t);
  return (
    <ChartCard
      question="What for?"
      answer={d && largest(groups.map((g, i) => ({ name: named[i]!.name, credits: g.sums.credits ?? 0, rest: g.other })), d.unit)}
      loading={answer.isPending}
      error={answer.error}
      retry={() => void answer.refetch()}
      request={request}
      height={240}
      table={d ? { head: ['Day', ...named.map((n) => n.name)], rows: groups.length ? rows.map((r) => [date(r.t, d.tz), ...named.map((n) => r[n.key] ?? 0)]) : [] } : null}
      empty={<EmptyState title="No model was used yet">The models that requests name appear here, with what they cost.</EmptyState>}
    >
      {d && <StackedAreas rows={rows} series={seriesOf(named)} zone={d.tz} height={240} />}
    </ChartCard>
  );
}
