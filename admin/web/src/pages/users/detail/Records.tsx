import { IconArrowsExchange, IconBan, IconHistory } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, may, useSession, type components } from '@/api';
import { Credits, DataTable, EmptyState, Export, Time } from '@/components';
import type { Person } from '../filters';
import { value } from '../JobRows';
import { did, who, whom } from '../../audit/words';
import classes from './User.module.css';

type Transfer = components['schemas']['Transfer'];
type Refusal = components['schemas']['DecisionRow'];
type Event = components['schemas']['AuditEvent'];

/** What a person gave and received. */
export function Transfers({ person }: { person: Person }) {
  const session = useSession();
  const [cursor, setCursor] = useState<string | null>(null);
  const query = { user: person.id, limit: 20, cursor: cursor ?? undefined };
  const list = api.useQuery('get', '/v1/admin/transfers', { params: { query } }, { placeholderData: (before) => before });
  const given = (t: Transfer) => t.sender_id === person.id;
  return (
    <>
      <div className={classes.head}>
        <span className="soft">All windows, newest first. What was given counts until its window ends.</span>
        <Export what="transfers-of-user" request={{ path: '/v1/admin/transfers', query }} csvPath={may(session, 'exportTransfers') ? '/v1/admin/transfers.csv' : undefined} />
      </div>
      <DataTable<Transfer>
        label="Transfers"
        rows={list.data?.data}
        loading={list.isFetching}
        error={list.error}
        retry={() => void list.refetch()}
        idOf={(t) => t.id + t.sender_id + t.recipient_id}
        minRows={3}
        columns={[
          { id: 'who', title: 'With', cell: (t) => <span className={classes.wrap}>{given(t) ? `to ${t.recipient_email || 'the pool'}` : `from ${t.sender_email || 'the pool'}`}{t.kind === 'reallocation' && <span className="soft"> · by an admin</span>}</span> },
          { id: 'amount', title: 'Credits', numeric: true, width: 120, cell: (t) => <span className={given(t) ? undefined : classes.in}><Credits value={given(t) ? -t.amount : t.amount} change /></span> },
          { id: 'reason', title: 'Reason', from: 'tablet', cell: (t) => <span className={classes.wrap}>{t.reason || <span className="soft">–</span>}</span> },
          { id: 'at', title: 'When', width: 140, cell: (t) => <Time at={t.created_at} zone={session.window.zone} /> },
        ]}
        paging={{ cursor, next: list.data?.next_cursor, onCursor: setCursor }}
        empty={<EmptyState compact icon={IconArrowsExchange} title="No transfers yet">{person.name} has given nothing and received nothing.</EmptyState>}
      />
    </>
  );
}

/** When a person was refused, and why; each leads to its explanation. */
export function Refusals({ person }: { person: Person }) {
  const session = useSession();
  const [cursor, setCursor] = useState<string | null>(null);
  const query = { user: person.id, limit: 20, cursor: cursor ?? undefined };
  const list = api.useQuery('get', '/v1/admin/decisions', { params: { query } }, { placeholderData: (before) => before });
  return (
    <>
      <div className={classes.head}>
        <span className="soft">Requests that were refused. What was let through is under Requests.</span>
        <span className={classes.head} style={{ margin: 0 }}>
          <Link to={'/requests' as '/'} search={{ user: person.id } as never}>
            Requests
          </Link>
          <Export what="refusals-of-user" request={{ path: '/v1/admin/decisions', query }} csvPath={may(session, 'exportDecisions') ? '/v1/admin/decisions.csv' : undefined} />
        </span>
      </div>
      <DataTable<Refusal>
        label="Refusals"
        rows={list.data?.data}
        loading={list.isFetching}
        error={list.error}
        retry={() => void list.refetch()}
        idOf={(d) => d.id}
        minRows={3}
        columns={[
          { id: 'why', title: 'Why', cell: (d) => <span className={classes.wrap}><Link to={`/explain/${d.id}` as '/'}>{d.title}</Link><span className="soft"> {d.detail}</span></span> },
          { id: 'model', title: 'Model', width: 160, from: 'tablet', cell: (d) => <span className={classes.wrap}>{d.model || '–'}</span> },
          { id: 'need', title: 'Needed', numeric: true, width: 110, from: 'tablet', cell: (d) => <Credits value={d.need} /> },
          { id: 'at', title: 'When', width: 140, cell: (d) => <Time at={d.at} zone={session.window.zone} /> },
        ]}
        paging={{ cursor, next: list.data?.next_cursor, onCursor: setCursor }}
        empty={<EmptyState compact icon={IconBan} title="Never refused">Every request of {person.name} that is on record was let through.</EmptyState>}
      />
    </>
  );
}

/** Done by a person or to them. */
export function History({ person }: { person: Person }) {
  const session = useSession();
  const [cursor, setCursor] = useState<string | null>(null);
  const query = { about: person.id, limit: 20, cursor: cursor ?? undefined };
  const list = api.useQuery('get', '/v1/admin/audit', { params: { query } }, { placeholderData: (before) => before });
  const names = list.data?.names ?? {};
  return (
    <>
      <div className={classes.head}>
        <span className="soft">Changes that {person.name} made, and those that were made to {person.name}.</span>
        <Export what="audit-of-user" request={{ path: '/v1/admin/audit', query }} rows={() => ({ head: ['Seq', 'When', 'Who', 'Action', 'Subject', 'Reason'], rows: (list.data?.data ?? []).map((e) => [e.seq, e.at, e.actor, e.action, e.subject, e.reason ?? null]) })} />
      </div>
      <DataTable<Event>
        label="Audit"
        rows={list.data?.data}
        loading={list.isFetching}
        error={list.error}
        retry={() => void list.refetch()}
        idOf={(e) => String(e.seq)}
        minRows={3}
        columns={[
          { id: 'action', title: 'What', cell: (e) => <span className={classes.wrap} title={`${e.action} ${e.subject}`}>{did(e)}{e.subject !== person.id && <span className="soft"> {whom(e, names)}</span>}</span> },
          {
            id: 'changes',
            title: 'Changes',
            from: 'tablet',
            cell: (e) =>
              e.changes?.length ? (
                <ul className={classes.changes}>
                  {e.changes.slice(0, 4).map((c) => (
                    <li key={c.field}>
                      <span className="soft">{c.field}</span> {value(c.before, c.field)} → {value(c.after, c.field)}
                    </li>
                  ))}
                  {e.changes.length > 4 && <li className="soft">and {e.changes.length - 4} more</li>}
                </ul>
              ) : (
                <span className="soft">–</span>
              ),
          },
          { id: 'actor', title: 'Who', width: 200, cell: (e) => <span className={classes.wrap} title={e.actor}>{who(e, names)}{e.reason && <span className="soft"> · {e.reason}</span>}</span> },
          { id: 'at', title: 'When', width: 130, cell: (e) => <Time at={e.at} zone={session.window.zone} /> },
        ]}
        paging={{ cursor, next: list.data?.next_cursor, onCursor: setCursor }}
        empty={<EmptyState compact icon={IconHistory} title="Nothing on record">Nobody has changed anything about {person.name} yet.</EmptyState>}
      />
    </>
  );
}
