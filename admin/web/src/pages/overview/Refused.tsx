import { Skeleton } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { components } from '@/api';
import { Card, EmptyState, Time, WaitingText } from '@/components';
import { number } from '@/format';
import classes from './Overview.module.css';

/** The newest refusals, each with the way to why. */
export function Refused({ overview: o, loading, admin }: { overview?: components['schemas']['Overview']; loading: boolean; admin: boolean }) {
  const denials = o?.recent_denials ?? [];
  return (
    <Card title="Refused lately" about={loading ? <WaitingText chars={16} /> : o && denials.length > 0 ? `${number(o.denials)} in this window` : undefined}>
      {loading ? (
        <Skeleton height={240} />
      ) : denials.length === 0 ? (
        <EmptyState compact icon={IconCircleCheck} title="Nothing was refused">
          {admin ? 'When somebody is stopped, the reason stands here with what would let them pass.' : 'When somebody of your teams is stopped, the reason stands here.'}
        </EmptyState>
      ) : (
        <ul className={classes.denials}>
          {denials.map((d) => (
            <li key={d.id} className={classes.denial}>
              <div className={classes.denialHead}>
                <span className="truncate" title={d.title}>
                  {d.title}
                </span>
                <Link to={`/explain/${d.id}` as '/'} aria-label={`Explain: ${d.title}, ${d.user.name || d.user.email || 'somebody'}`}>
                  Explain
                </Link>
              </div>
              <div className={classes.denialBody}>
                <span className="truncate" title={d.user.email}>
                  {d.user.name || d.user.email || 'somebody who is gone'} · {d.model || 'no model'}
                </span>
                <span>
                  <Time at={d.at} zone={o?.window.tz} />
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
