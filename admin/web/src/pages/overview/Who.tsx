import { Link } from '@tanstack/react-router';
import type { components } from '@/api';
import { ChartCard, Credits, EmptyState } from '@/components';
import { number, percent } from '@/format';
import { largest } from './answers';
import classes from './Overview.module.css';

type Overview = components['schemas']['Overview'];

/** Teams by what was used in their name, each with its pool as the plan. */
export function Who({ overview: o, loading, query }: { overview?: Overview; loading: boolean; query: Record<string, string> }) {
  const teams = o?.by_team ?? [];
  const named = teams.filter((t) => t.id && !t.other);
  const total = teams.reduce((n, t) => n + t.used, 0);
  const most = Math.max(...named.map((t) => t.used), 1);
  // A pool far beyond every use would press the bars flat; its tick then stands at the end. What has no name would too, and has no bar.
  const scale = Math.max(most, Math.min(Math.max(...named.map((t) => t.pool), 0), most * 2.5));
  const name = (t: (typeof teams)[number]) => t.name || (t.other ? 'Other teams' : 'Usage without a team');
  return (
    <ChartCard
      question="Who uses it?"
      answer={o && largest(teams.map((t) => ({ name: name(t), credits: t.used, rest: t.other || !t.id })), o.unit)}
      loading={loading}
      request={{ path: '/v1/admin/overview', query }}
      height={370}
      table={o ? { head: ['Team', 'Used', 'Pool', 'Used of the pool'], rows: teams.map((t) => [name(t), t.used, t.pool, t.pool_used]) } : null}
      empty={<EmptyState title="No team has used anything yet">Usage is attributed to a person's first team, or to the one that a request names.</EmptyState>}
    >
      <ul className={classes.rows}>
        {teams.map((t) => (
          <li key={t.id || name(t)} className={classes.row}>
            <span className="truncate" title={name(t)}>
              {t.id && !t.other ? <Link to={`/teams/${t.id}` as '/'}>{name(t)}</Link> : <span className="soft">{name(t)}</span>}
            </span>
            <span>
              <Credits value={t.used} />
              {!named.includes(t) && <span className="soft"> · {percent(t.used, total)}</span>}
            </span>
            {named.includes(t) && (
              <span className={classes.track} role="img" aria-label={`${name(t)}: ${number(t.used)} used, pool ${number(t.pool)}`}>
                <span className={classes.fill} style={{ width: `${(t.used / scale) * 100}%` }} />
                {t.pool > 0 && <span className={classes.plan} style={{ left: `calc(${Math.min(t.pool / scale, 1) * 100}% - 2px)` }} />}
              </span>
            )}
          </li>
        ))}
      </ul>
      {teams.some((t) => t.pool > 0) && (
        <p className={classes.note}>
          <i />
          the team's pool
        </p>
      )}
    </ChartCard>
  );
}
