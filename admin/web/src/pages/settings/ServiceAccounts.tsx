import { Button } from '@mantine/core';
import { IconPlus, IconRobot } from '@tabler/icons-react';
import { api, may, useSession } from '@/api';
import { Card, Credits, DataTable, EmptyState, Export, Filters, SideDrawer, StatusBadge, Time, useOpen, type Column } from '@/components';
import { id, text, useUrlState } from '@/url/state';
import { Account } from './Account';
import { NewAccount } from './NewAccount';
import type { ServiceAccount } from './serviceAccount';
import classes from './Settings.module.css';

const params = { find: text, after: id };

/** Keys for programs: each belongs to a service account, which a team owns, so that none dies with somebody's job. */
export function ServiceAccounts() {
  const session = useSession();
  const [state, set] = useUrlState(params);
  const [open, setOpen] = useOpen();
  const query = { q: state.find || undefined, limit: 50, cursor: state.after ?? undefined };
  const accounts = api.useQuery('get', '/v1/admin/service-accounts', { params: { query } }, { placeholderData: (before) => before });
  const zone = session.organisation.zone;
  const columns: Column<ServiceAccount>[] = [
    {
      id: 'name',
      title: 'Name',
      cell: (a) => (
        <button type="button" className={classes.open} onClick={() => setOpen(a.id)}>
          {a.name}
        </button>
      ),
    },
    { id: 'team', title: 'Owned by', cell: (a) => <span className={classes.value}>{a.team_name || a.team_id}</span> },
    { id: 'budget', title: 'Budget', numeric: true, from: 'tablet', cell: (a) => (a.budget === null ? <span className="soft">team’s share</span> : <Credits value={a.effective_budget} />) },
    { id: 'used', title: 'Used of it', numeric: true, from: 'desktop', cell: (a) => (a.budget === null ? <span className="soft">–</span> : <Credits value={a.used} />) },
    { id: 'keys', title: 'Keys', numeric: true, from: 'tablet', cell: (a) => a.active_keys },
    { id: 'seen', title: 'Last used', from: 'desktop', cell: (a) => <Time at={a.last_used_at} zone={zone} missing="never" /> },
    { id: 'status', title: 'Status', cell: (a) => <StatusBadge status={a.status} /> },
  ];
  const add = may(session, 'createServiceAccount') && (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setOpen('new')}>
      Create account
    </Button>
  );
  return (
    <Card
      flush
      title="Service accounts"
      about="For programs that call models. A team owns each; it spends its own budget, then its share of the team’s pool as one member, and then it is refused. It cannot sign in here."
      actions={
        <>
          {add}
          <Export
            what="service-accounts"
            request={{ path: '/v1/admin/service-accounts', query }}
            rows={() => ({ head: ['id', 'name', 'team', 'cost_center', 'budget', 'used', 'active_keys', 'last_used_at', 'status'], rows: (accounts.data?.data ?? []).map((a) => [a.id, a.name, a.team_name, a.cost_center, a.budget, a.used ?? null, a.active_keys, a.last_used_at ?? null, a.status]) })}
          />
        </>
      }
    >
      <div className={classes.filters}>
        <Filters search={state.find} onSearch={(find) => set({ find, after: null })} placeholder="Find an account" />
      </div>
      <DataTable
        label="Service accounts"
        columns={columns}
        rows={accounts.data?.data}
        idOf={(a) => a.id}
        loading={accounts.isFetching}
        error={accounts.error}
        retry={() => void accounts.refetch()}
        onOpen={(a) => setOpen(a.id)}
        opened={open}
        paging={{ cursor: state.after, next: accounts.data?.next_cursor, onCursor: (after) => set({ after }) }}
        empty={
          state.find ? (
            <EmptyState title="No account matches">Search for something else.</EmptyState>
          ) : (
            <EmptyState icon={IconRobot} title="No service account yet" action={add}>
              Give each program a key of its own. It is rotated here without a refusal, its use stands apart in every list, and it goes on working when people leave.
            </EmptyState>
          )
        }
      />
      <NewAccount opened={open === 'new'} onClose={() => setOpen(null)} onMade={(a) => setOpen(a.id)} />
      <SideDrawer opened={Boolean(open) && open !== 'new'} onClose={() => setOpen(null)} title="Service account" size={520}>
        {open && open !== 'new' && <Account key={open} id={open} onGone={() => setOpen(null)} />}
      </SideDrawer>
    </Card>
  );
}
