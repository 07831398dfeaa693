import { teamName } from './teams';
import { IconShieldCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { Credits, DemoBadge, LimitCell, StatusBadge, Time, Tone, sourceName, type Column } from '@/components';
import type { Person } from './filters';
import { PersonActsButton } from './PersonActs';
import classes from './Users.module.css';

/** "Owner" or "Admin"; a member needs no badge. */
export function RoleBadge({ role }: { role: Person['access_role'] }) {
  if (role === 'member') return null;
  return (
    <Tone tone="accent" icon={IconShieldCheck}>
      {role === 'owner' ? 'Owner' : 'Admin'}
    </Tone>
  );
}

/** The columns of the directory. */
export function columnsOf({ zone, onEdit }: { zone: string; onEdit: (p: Person) => void }): Column<Person>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      sortable: true,
      cell: (p) => (
        <div className={classes.person}>
          <div className={classes.name}>
            <Link to={`/users/${p.id}` as '/'} title={p.name}>
              {p.name}
            </Link>
            <RoleBadge role={p.access_role} />
            <DemoBadge demo={p.demo} />
          </div>
          <span className={classes.mail} title={p.email}>
            {p.email}
          </span>
          {p.status !== 'active' && (
            <span className={classes.small}>
              <StatusBadge status={p.status} />
            </span>
          )}
        </div>
      ),
    },
    { id: 'status', title: 'Status', width: 144, from: 'tablet', cell: (p) => <StatusBadge status={p.status} /> },
    { id: 'teams', title: 'Teams', width: 160, from: 'desktop', cell: (p) => <Teams person={p} /> },
    {
      id: 'quota',
      title: 'Quota',
      sortable: true,
      numeric: true,
      width: 100,
      from: 'tablet',
      cell: (p) => (
        <span title={sourceName(p.source)}>
          <Credits value={p.effective_quota} />
        </span>
      ),
    },
    { id: 'used', title: 'Used', sortable: true, numeric: true, width: 100, from: 'desktop', cell: (p) => <Credits value={p.used_tokens} /> },
    { id: 'used_percent', title: 'Of quota', sortable: true, width: 'min(178px, 36vw)', cell: (p) => <div className={classes.share}><LimitCell used={p.used_tokens ?? null} limit={p.effective_quota} label={`Quota of ${p.name}`} /></div> },
    { id: 'last_seen', title: 'Last seen', sortable: true, width: 144, from: 'wide', cell: (p) => <Time at={p.last_seen_at} zone={zone} /> },
    { id: 'acts', title: '', width: 64, from: 'tablet', cell: (p) => <PersonActsButton person={p} onEdit={() => onEdit(p)} /> },
  ];
}

function Teams({ person }: { person: Person }) {
  if (person.teams.length === 0) return <span className="soft">none</span>;
  const names = person.teams.map((t) => teamName(t) + (t.is_admin ? ' (admin)' : ''));
  return (
    <span className={classes.teams} title={names.join(', ')}>
      {names[0]}
      {names.length > 1 && <span className="soft"> +{names.length - 1}</span>}
    </span>
  );
}
