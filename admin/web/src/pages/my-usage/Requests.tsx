import { Link } from '@tanstack/react-router';
import { IconApi } from '@tabler/icons-react';
import { api, useSession, type components } from '@/api';
import { Card, Credits, DataTable, EmptyState, Export, Time, type Column } from '@/components';
import { millis, number } from '@/format';
import { id, useUrlState } from '@/url/state';
import { Outcome, tokens } from '../requests/outcome';

type Row = components['schemas']['RequestRow'];

const params = { after: id };

/** What I asked for, newest first. */
export function Requests() {
  const session = useSession();
  const [{ after }, set] = useUrlState(params);
  const query = { limit: 10, cursor: after ?? undefined };
  const requests = api.useQuery('get', '/v1/users/me/requests', { params: { query } }, { placeholderData: (before) => before });
  const columns: Column<Row>[] = [
    { id: 'at', title: 'When', cell: (r) => <Link to={`/explain/${r.decision_id}` as '/'}><Time at={r.at} zone={session.window.zone} /></Link>, width: 150 },
    { id: 'model', title: 'Model', cell: (r) => r.model },
    { id: 'outcome', title: 'Outcome', cell: (r) => <Outcome row={r} />, from: 'tablet' },
    { id: 'tokens', title: 'Tokens', numeric: true, cell: (r) => number(tokens(r.usage)), from: 'desktop' },
    { id: 'millis', title: 'Took', numeric: true, cell: (r) => millis(r.millis), from: 'desktop' },
    { id: 'cost', title: 'Credits', numeric: true, cell: (r) => <Credits value={r.cost} /> },
  ];
  return (
    <Card title="My requests" about="What was let through and what it cost. Their text is kept nowhere." flush actions={<Export what="my-requests" request={{ path: '/v1/users/me/requests', query }} csvPath="/v1/users/me/requests.csv" />}>
      <DataTable
        label="My requests"
        columns={columns}
        rows={requests.data?.data}
        idOf={(r) => r.request_id}
        loading={requests.isFetching && !requests.data}
        error={requests.error}
        retry={() => void requests.refetch()}
        compact
        paging={{ cursor: after, next: requests.data?.next_cursor, onCursor: (cursor) => set({ after: cursor }) }}
        empty={
          <EmptyState icon={IconApi} title="No requests yet">
            Point an OpenAI SDK at <span className="mono">{session.baseUrl}</span> with your key. The User Guide has it in curl, Python and Node.
          </EmptyState>
        }
      />
    </Card>
  );
}
