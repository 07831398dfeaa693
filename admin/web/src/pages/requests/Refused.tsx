import { Link } from '@tanstack/react-router';
import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { api, useSession, type components } from '@/api';
import { Credits, DataTable, Time, Tone, widths, type Column } from '@/components';
import classes from './Requests.module.css';

type Row = components['schemas']['DecisionRow'];

interface Props {
  all: boolean;
  query: Record<string, unknown>;
  cursor: string | null;
  onCursor: (cursor: string | null) => void;
  empty: ReactNode;
}

/** What was refused, newest first; each opens its explanation. */
export function Refused({ all, query, cursor, onCursor, empty }: Props) {
  const session = useSession();
  const keep = { placeholderData: <T,>(before: T) => before };
  const { user, model: _model, ...rest } = query;
  const everybody = api.useQuery('get', '/v1/admin/decisions', { params: { query: { ...rest, user } as never } }, { ...keep, enabled: all });
  const mine = api.useQuery('get', '/v1/users/me/decisions', { params: { query: rest as never } }, { ...keep, enabled: !all });
  const decisions = all ? everybody : mine;
  // A phone has no room for a column of its own for who asked.
  const below = !useMediaQuery(widths.tablet, undefined, { getInitialValueInEffect: false });
  const who = (d: Row) => d.user.name || d.user.email || d.user.id;
  const columns: Column<Row>[] = [
    {
      id: 'at',
      title: 'When',
      width: 'min(150px, 27vw)',
      cell: (d) => (
        <Link to={`/explain/${d.id}` as '/'} aria-label={`Explain: ${d.title}`}>
          <Time at={d.at} zone={session.window.zone} />
        </Link>
      ),
    },
    ...(all && !below ? [{ id: 'user', title: 'Who', cell: who }] : []),
    {
      id: 'why',
      title: 'Why',
      cell: (d) => (
        <div className={classes.why}>
          {all && below && <div>{who(d)}</div>}
          <div>
            {d.title} {d.retry && <Tone>passes by itself</Tone>}
          </div>
          <div className="soft">{d.detail}</div>
        </div>
      ),
    },
    { id: 'model', title: 'Model', cell: (d) => <span className={classes.model}>{d.model || '–'}</span>, from: 'tablet' },
    { id: 'need', title: 'Needed', numeric: true, cell: (d) => <Credits value={d.need} />, from: 'desktop' },
  ];
  return (
    <DataTable
      label="Refusals"
      columns={columns}
      rows={decisions.data?.data}
      idOf={(d) => d.id}
      loading={decisions.isFetching}
      error={decisions.error}
      retry={() => void decisions.refetch()}
      paging={{ cursor, next: decisions.data?.next_cursor, onCursor }}
      empty={empty}
      minRows={10}
    />
  );
}
