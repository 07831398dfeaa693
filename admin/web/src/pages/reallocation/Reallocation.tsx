import { Button, NumberInput, TextInput } from '@mantine/core';
import { IconArrowsExchange, IconFilterOff, IconScale } from '@tabler/icons-react';
import { api, may, useSession } from '@/api';
import { Card, Credits, DataTable, EmptyState, Export, Filters, PageHeader, PersonPicker, Time, Tone, WindowBadge, type Column } from '@/components';
import { number } from '@/format';
import { figure, id, oneOf, text, useUrlState } from '@/url/state';
import { dayStart, nextDay } from './days';
import { NewTransfer } from './NewTransfer';
import { Reallocate } from './Reallocate';
import classes from './Reallocation.module.css';
import type { components } from '@/api';

type Transfer = components['schemas']['Transfer'];

const params = { user: text, name: text, from: text, until: text, min: figure, max: figure, after: id, form: oneOf('', 'transfer', 'reallocate') };

/** Who gave whom how much and why, and the ways to move credits. */
export default function Reallocation() {
  const session = useSession();
  const [state, set] = useUrlState(params);
  const zone = session.organisation.zone;
  const all = may(session, 'listTransfers');
  const between = { from: dayStart(state.from, zone), until: nextDay(state.until, zone) };
  const query = { user: state.user || undefined, ...between, min_amount: state.min ?? undefined, max_amount: state.max ?? undefined };
  const paged = { ...query, limit: 50, cursor: state.after ?? undefined };
  const history = api.useQuery('get', '/v1/admin/transfers', { params: { query: paged } }, { enabled: all, placeholderData: (before) => before });
  const mine = api.useQuery('get', '/v1/users/me/transfers', { params: { query: between } }, { enabled: !all, placeholderData: (before) => before });
  const list = all ? history : mine;
  const own = mine.data && [...mine.data.sent, ...mine.data.received].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  const rows: Transfer[] | undefined = all ? history.data?.data : own?.filter((t) => (state.min === null || t.amount >= state.min) && (state.max === null || t.amount <= state.max));
  const filtered = Boolean(state.user || state.from || state.until || state.min !== null || state.max !== null);
  const clear = () => set({ user: '', name: '', from: '', until: '', min: null, max: null, after: null });
  const columns: Column<Transfer>[] = [
    { id: 'at', title: 'When', width: 'min(140px, 27vw)', cell: (t) => <Time at={t.created_at} zone={zone} /> },
    { id: 'from', title: 'From', cell: (t) => <End id={t.sender_id} address={t.sender_email || t.sender_name} me={session.user.id} /> },
    { id: 'to', title: 'To', cell: (t) => <End id={t.recipient_id} address={t.recipient_email || t.recipient_name} me={session.user.id} /> },
    { id: 'amount', title: 'Credits', numeric: true, cell: (t) => <Credits value={t.amount} /> },
    {
      id: 'kind',
      title: 'Kind',
      from: 'desktop',
      cell: (t) =>
        t.kind === 'reallocation' ? (
          <Tone tone="accent" icon={IconScale}>
            Reallocation
          </Tone>
        ) : (
          <Tone icon={IconArrowsExchange}>Transfer</Tone>
        ),
    },
    { id: 'reason', title: 'Reason', from: 'tablet', cell: (t) => (t.reason ? <span className={classes.reason} title={t.reason}>{t.reason}</span> : <span className="soft">–</span>) },
    { id: 'expires', title: 'Holds until', from: 'wide', cell: (t) => <Time at={t.expires_at} zone={zone} missing="–" /> },
  ];
  const give = (
    <Button leftSection={<IconArrowsExchange size={16} />} onClick={() => set({ form: 'transfer' }, { push: true })}>
      New transfer
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Credit Reallocation"
        badges={<WindowBadge window={session.window} />}
        about={all ? 'Who gave whom how much, and why. What was moved holds until the window ends.' : 'What you gave and received. It holds until the window ends.'}
        actions={
          <>
            {may(session, 'createReallocation') && (
              <Button variant="default" leftSection={<IconScale size={16} />} onClick={() => set({ form: 'reallocate' }, { push: true })}>
                Reallocate credits
              </Button>
            )}
            {give}
          </>
        }
      />
      <Filters
        end={
          <Export
            what={all ? 'transfers' : 'my-transfers'}
            request={{ path: all ? '/v1/admin/transfers' : '/v1/users/me/transfers', query: all ? paged : between }}
            csvPath={all ? '/v1/admin/transfers.csv' : undefined}
            rows={() => ({ head: ['id', 'created_at', 'sender', 'recipient', 'amount', 'reason', 'expires_at'], rows: (rows ?? []).map((t) => [t.id, t.created_at, t.sender_email || t.sender_name, t.recipient_email || t.recipient_name, t.amount, t.reason, t.expires_at]) })}
          />
        }
      >
        {all && (
          <PersonPicker
            quiet
            size="xs"
            w={200}
            label="Sent or received by"
            placeholder="Sent or received by"
            value={state.user ? { id: state.user, name: state.name || state.user, email: '' } : null}
            onChange={(p) => set({ user: p?.id ?? '', name: p?.name ?? '', after: null })}
          />
        )}
        <TextInput size="xs" type="date" leftSection="From" leftSectionWidth={48} aria-label="From this day on" title="From this day on" value={state.from} max={state.until || undefined} onChange={(e) => set({ from: e.currentTarget.value, after: null })} />
        <TextInput size="xs" type="date" leftSection="Until" leftSectionWidth={48} aria-label="Until this day, included" title="Until this day, included" value={state.until} min={state.from || undefined} onChange={(e) => set({ until: e.currentTarget.value, after: null })} />
        <NumberInput size="xs" w={120} min={0} max={9_000_000_000} allowNegative={false} hideControls placeholder="At least" aria-label="At least, in credits" value={state.min ?? ''} onChange={(v) => set({ min: typeof v === 'number' ? v : null, after: null })} />
        <NumberInput size="xs" w={120} min={0} max={9_000_000_000} allowNegative={false} hideControls placeholder="At most" aria-label="At most, in credits" value={state.max ?? ''} onChange={(v) => set({ max: typeof v === 'number' ? v : null, after: null })} />
        {filtered && (
          <Button variant="subtle" color="gray" size="xs" h={32} onClick={clear}>
            Clear all
          </Button>
        )}
      </Filters>
      <Card flush>
        {!all && mine.data && (mine.data.sent.length > 0 || mine.data.received.length > 0) && (
          <p className="soft num" style={{ margin: 0, padding: '4px 20px 12px', fontSize: 13 }}>
            {number(mine.data.total_received)} received, {number(mine.data.total_sent)} given.
          </p>
        )}
        <DataTable
          label="Transfers"
          columns={columns}
          rows={rows}
          idOf={(t) => t.id + t.sender_id + t.recipient_id}
          loading={list.isFetching}
          error={list.error}
          retry={() => void list.refetch()}
          paging={all ? { cursor: state.after, next: history.data?.next_cursor, onCursor: (after) => set({ after }) } : undefined}
          empty={
            filtered ? (
              <EmptyState icon={IconFilterOff} title="No transfer matches these filters" action={<Button variant="light" size="xs" onClick={clear}>Show all transfers</Button>} />
            ) : (
              <EmptyState icon={IconArrowsExchange} title="No transfers yet" action={give}>
                Credits that one person does not need can be given to another. They hold until the window ends, and every move is kept here.
              </EmptyState>
            )
          }
        />
      </Card>
      {state.form === 'transfer' && <NewTransfer onClose={() => set({ form: '' })} />}
      {state.form === 'reallocate' && may(session, 'createReallocation') && <Reallocate onClose={() => set({ form: '' })} />}
    </>
  );
}

function End({ id: end, address, me }: { id: string; address: string; me: string }) {
  return (
    <span className={classes.pair}>
      <span className="truncate" title={address}>
        {address || <span className="soft">{end || 'somebody who was deleted'}</span>}
      </span>
      {end === me && <span className="soft">you</span>}
    </span>
  );
}
