import { IconBellCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { api, useSession } from '@/api';
import { Card, Credits, DataTable, EmptyState, Export, Time, Tone, type Column } from '@/components';
import { id, useUrlState } from '@/url/state';
import classes from '../Settings.module.css';
import { budgetName, budgetPage, type Alert } from './words';

const params = { before: id };

/** Which budgets have reached a threshold, newest first. */
export function Reached() {
  const session = useSession();
  const [{ before }, set] = useUrlState(params);
  const query = { limit: 20, cursor: before ?? undefined };
  const alerts = api.useQuery('get', '/v1/admin/alerts', { params: { query } }, { refetchInterval: 30_000, placeholderData: (p) => p });
  const columns: Column<Alert>[] = [
    {
      id: 'budget',
      title: 'Budget',
      cell: (a) => (
        <span className={classes.value}>
          <Link to={budgetPage(a) as '/'}>{budgetName(a)}</Link>
          {a.shadow && <span className="soft"> in shadow mode</span>}
        </span>
      ),
    },
    { id: 'threshold', title: 'Reached', numeric: true, cell: (a) => <Tone tone={a.threshold >= 100 ? 'bad' : a.threshold >= 90 ? 'warn' : 'plain'}>{a.threshold} %</Tone> },
    {
      id: 'used',
      title: 'Used then',
      numeric: true,
      from: 'tablet',
      cell: (a) => (
        <>
          <Credits value={a.used} /> of <Credits value={a.budget} />
        </>
      ),
    },
    { id: 'at', title: 'When', cell: (a) => <Time at={a.at} zone={session.organisation.zone} /> },
  ];
  return (
    <Card
      flush
      title="What was reached"
      actions={
        <Export
          what="alerts"
          request={{ path: '/v1/admin/alerts', query }}
          rows={() => ({ head: ['at', 'kind', 'subject', 'name', 'threshold', 'used', 'budget', 'shadow', 'window_start', 'window_end'], rows: (alerts.data?.data ?? []).map((a) => [a.at, a.kind, a.subject, a.name, a.threshold, a.used, a.budget, a.shadow, a.window_start, a.window_end]) })}
        />
      }
    >
      <DataTable
        label="Budgets that reached a threshold"
        columns={columns}
        rows={alerts.data?.data}
        idOf={(a) => a.id}
        loading={alerts.isFetching}
        error={alerts.error}
        retry={() => void alerts.refetch()}
        paging={{ cursor: before, next: alerts.data?.next_cursor, onCursor: (next) => set({ before: next }) }}
        minRows={3}
        empty={
          <EmptyState compact icon={IconBellCheck} title="Nothing yet">
            No pool and no cap has reached a threshold.
          </EmptyState>
        }
      />
    </Card>
  );
}
