import { ChartCard, EmptyState } from '@/components';
import { count, number, percent } from '@/format';
import type { Shares } from './teams';
import classes from './Teams.module.css';

const mostNamed = 6;

/** The pool as one bar: what each of the largest drew, what the others drew, what is held and what is free. */
export function Drawn({ team, shares }: { team: string; shares: { data?: Shares; error: unknown; isPending: boolean; refetch: () => unknown } }) {
  const s = shares.data;
  const drew = s ? s.members.filter((m) => m.drawn > 0).sort((a, b) => b.drawn - a.drawn) : [];
  const named = drew.slice(0, mostNamed);
  const others = drew.slice(mostNamed).reduce((n, m) => n + m.drawn, 0);
  const left = s ? Math.max(0, s.used - drew.reduce((n, m) => n + m.drawn, 0)) : 0;
  const parts = [
    ...named.map((m, i) => ({ name: m.name || m.email, value: m.drawn, color: `var(--a-cat-${i + 1})` })),
    ...(others > 0 ? [{ name: count(drew.length - mostNamed, 'other', 'others'), value: others, color: 'var(--a-cat-other)' }] : []),
    ...(left > 0 ? [{ name: 'people who left', value: left, color: 'var(--a-line-strong)' }] : []),
  ];
  const first = drew[0];
  const answer = s && first ? `${count(drew.length, 'member', 'members')} drew ${number(s.used)} of ${number(s.pool)}; ${first.name || first.email} drew most, ${percent(first.drawn, s.used)} of it.` : undefined;
  return (
    <ChartCard
      question="Who drew on the pool?"
      answer={answer}
      loading={shares.isPending}
      error={s ? null : shares.error}
      retry={() => void shares.refetch()}
      request={{ path: `/v1/admin/teams/${team}/shares` }}
      table={!s ? null : { head: ['Member', 'Drawn', 'Held', 'Share', 'Free'], rows: drew.map((m) => [m.name || m.email, m.drawn, m.held, m.share, m.free]) }}
      height={120}
      empty={
        <EmptyState compact title="Nobody has drawn on it in this window">
          Members draw from the pool when their own quota is used up.
        </EmptyState>
      }
    >
      {s && (
        <>
          <div className={classes.segments} role="img" aria-label={`${answer ?? ''} ${number(s.free)} are free.`}>
            {parts.map((p) => (
              <span key={p.name} title={`${p.name}: ${number(p.value)}`} style={{ flexGrow: p.value, background: p.color }} />
            ))}
            <span style={{ flexGrow: Math.max(s.pool - s.used, 0) }} />
          </div>
          <ul className={classes.keys}>
            {parts.map((p) => (
              <li key={p.name}>
                <i style={{ background: p.color }} aria-hidden />
                <span className="truncate">{p.name}</span> <span className="num soft">{number(p.value)}</span>
              </li>
            ))}
            <li>
              <i style={{ background: 'var(--a-free)' }} aria-hidden />
              free <span className="num soft">{number(s.free)}</span>
            </li>
          </ul>
        </>
      )}
    </ChartCard>
  );
}
