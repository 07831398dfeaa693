import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { api, useSession, type components } from '@/api';
import { Credits, DataTable, Time, widths, type Column } from '@/components';
import { millis, number } from '@/format';
import { Outcome, tokens } from './outcome';
import classes from './Requests.module.css';

type Row = components['schemas']['RequestRow'];

interface Props {
  all: boolean;
  query: Record<string, unknown>;
  cursor: string | null;
  onCursor: (cursor: string | null) => void;
  opened: string | null;
  onOpen: (id: string) => void;
  onUser: (id: string) => void;
  empty: ReactNode;
}

/** What was let through, newest first. */
export function Admitted({ all, query, cursor, onCursor, opened, onOpen, onUser, empty }: Props) {
  const session = useSession();
  const keep = { placeholderData: <T,>(before: T) => before };
  const everybody = api.useQuery('get', '/v1/admin/requests', { params: { query: query as never } }, { ...keep, enabled: all });
  const mine = api.useQuery('get', '/v1/users/me/requests', { params: { query: own(query) as never } }, { ...keep, enabled: !all });
  const requests = all ? everybody : mine;
  // A phone has no room for a column of both, and the model stands below who asked it.
  const below = !useMediaQuery(widths.tablet, undefined, { getInitialValueInEffect: false });
  const model = (r: Row) => <span className={classes.model}>{r.model}</span>;
  const columns: Column<Row>[] = [
    {
      id: 'at',
      title: 'When',
      width: 'min(150px, 33vw)',
      cell: (r) => (
        <button type="button" className={classes.open} onClick={() => onOpen(r.request_id)}>
          <Time at={r.at} zone={session.window.zone} />
        </button>
      ),
    },
    ...(all
      ? [
          {
            id: 'user',
            title: 'Who',
            cell: (r: Row) => (
              <>
                <button type="button" className={classes.who} onClick={() => onUser(r.user.id)} title={`Only ${r.user.email || r.user.id}`}>
                  {r.user.name || r.user.email || r.user.id}
                </button>
                {below && <span className="soft">{model(r)}</span>}
              </>
            ),
          },
        ]
      : []),
    ...(all && below ? [] : [{ id: 'model', title: 'Model', cell: model }]),
    { id: 'paid', title: 'For', cell: (r) => r.project?.name || r.team?.name || <span className="soft">–</span>, from: 'wide' },
    { id: 'outcome', title: 'Outcome', cell: (r) => <Outcome row={r} />, from: 'tablet' },
    { id: 'tokens', title: 'Tokens', numeric: true, cell: (r) => number(tokens(r.usage)), from: 'desktop' },
    { id: 'millis', title: 'Took', numeric: true, cell: (r) => millis(r.millis), from: 'desktop' },
    { id: 'cost', title: 'Credits', numeric: true, cell: (r) => <Credits value={r.cost} /> },
  ];
  return (
    <DataTable
      label="Requests"
      columns={columns}
      rows={requests.data?.data}
      idOf={(r) => r.request_id}
      loading={requests.isFetching}
      error={requests.error}
      retry={() => void requests.refetch()}
      onOpen={(r) => onOpen(r.request_id)}
      opened={opened}
      paging={{ cursor, next: requests.data?.next_cursor, onCursor }}
      empty={empty}
      minRows={10}
    />
  );
}

/** A person's own list has no filter for people and teams. */
function own(query: Record<string, unknown>) {
  const { user: _user, team: _team, ...rest } = query;
  return rest;
}
