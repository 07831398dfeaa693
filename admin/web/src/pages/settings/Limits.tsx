import { Button } from '@mantine/core';
import { IconEye, IconGauge, IconPlus, IconShieldCheck } from '@tabler/icons-react';
import { client, may, useSession, useTagged, type components } from '@/api';
import { Card, DataTable, EmptyState, Export, Filters, SideDrawer, Tone, useOpen, type Column } from '@/components';
import { id, oneOf, text, useUrlState } from '@/url/state';
import { LimitForm } from './LimitForm';
import { amount, fails, idOf, metrics, parseId, scopes, type Limit } from './limits';
import classes from './Settings.module.css';
import { Subject } from './Subject';

const params = { open: id, find: text, scope: oneOf('', ...scopes.map((s) => s.value)), metric: oneOf('', ...metrics.map((m) => m.value)), mode: oneOf('enforce', 'shadow') };

/** Every cap and rate limit, and the drawer that sets one. */
export function Limits() {
  const session = useSession();
  const [state, set] = useUrlState(params);
  const [open, setOpen] = useOpen();
  const limits = useTagged<components['schemas']['LimitList']>(['get', '/v1/admin/limits', 'tagged'], (signal) => client.GET('/v1/admin/limits', { signal }));
  const all = limits.data?.data.data;
  const rows = all
    ?.filter((l) => (!state.scope || l.scope === state.scope) && (!state.metric || l.metric === state.metric) && l.subject.toLowerCase().includes(state.find.toLowerCase()))
    .sort((a, b) => scopes.findIndex((s) => s.value === a.scope) - scopes.findIndex((s) => s.value === b.scope) || a.subject.localeCompare(b.subject) || a.metric.localeCompare(b.metric));
  const edits = may(session, 'putLimits');
  const unit = session.organisation.unit;
  const columns: Column<Limit>[] = [
    {
      id: 'scope',
      title: 'Binds',
      cell: (l) => (
        <button type="button" className={classes.open} onClick={() => setOpen(idOf(l))}>
          {scopes.find((s) => s.value === l.scope)?.label}
        </button>
      ),
    },
    { id: 'subject', title: 'Which', cell: (l) => <div className={classes.value}><Subject limit={l} /></div> },
    { id: 'amount', title: 'Allows', numeric: true, cell: (l) => amount(l, unit) },
    {
      id: 'mode',
      title: 'Mode',
      from: 'tablet',
      cell: (l) =>
        l.mode === 'enforce' ? (
          <Tone tone="ok" icon={IconShieldCheck}>
            enforced
          </Tone>
        ) : (
          <Tone tone="warn" icon={IconEye}>
            shadow
          </Tone>
        ),
    },
    { id: 'fail', title: 'In an outage', from: 'desktop', cell: (l) => (l.fail_mode ? fails.find((f) => f.value === l.fail_mode)?.label : <span className="soft">as the organisation</span>) },
  ];
  const add = edits && (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => set({ mode: 'enforce', open: 'new' }, { push: true })}>
      Set limit
    </Button>
  );
  const parsed = parseId(open);
  const opened = parsed && all?.find((l) => idOf(l) === open);
  return (
    <Card
      title="What does nobody get past?"
      about="Of all limits that bind a request, the lowest decides. Quotas and pools pay; limits only refuse."
      flush
      actions={
        <>
          {add}
          <Export
            what="limits"
            request={{ path: '/v1/admin/limits', query: { scope: state.scope } }}
            rows={() => ({ head: ['binds', 'which', 'counts', 'amount', 'mode', 'in an outage'], rows: (rows ?? []).map((l) => [l.scope, l.subject, l.metric, l.credits ?? l.rate ?? null, l.mode, l.fail_mode ?? null]) })}
          />
        </>
      }
    >
      <div className={classes.filters}>
        <Filters
          search={state.find}
          onSearch={(find) => set({ find })}
          placeholder="Find a model or an id"
          choices={[
            { label: 'Binds', value: state.scope || null, options: scopes, onChange: (v) => set({ scope: (v ?? '') as '' }) },
            { label: 'Counts', value: state.metric || null, options: metrics.map(({ value, label }) => ({ value, label })), onChange: (v) => set({ metric: (v ?? '') as '' }) },
          ]}
        />
      </div>
      <DataTable
        label="Limits"
        columns={columns}
        rows={rows}
        idOf={idOf}
        loading={limits.isFetching}
        error={limits.error}
        retry={() => void limits.refetch()}
        onOpen={(l) => setOpen(idOf(l))}
        opened={open}
        empty={
          all?.length === 0 ? (
            <EmptyState icon={IconGauge} title="No limit is set" action={add}>
              Quotas and pools bound people and teams already. A limit is a cap or a rate that holds beyond them: for everyone, a department, a model.
            </EmptyState>
          ) : (
            <EmptyState title="No limit matches">Remove a filter, or search for something else.</EmptyState>
          )
        }
      />
      <SideDrawer opened={open === 'new' || Boolean(parsed)} onClose={() => setOpen(null)} title={opened ? 'Change limit' : 'Set limit'} size={460}>
        {open && all && <LimitForm key={open} given={parsed} before={opened ?? null} begin={state.mode} all={all} tagged={limits.data} onDone={() => setOpen(null)} />}
      </SideDrawer>
    </Card>
  );
}
