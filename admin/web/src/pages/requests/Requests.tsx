import { NumberInput, SegmentedControl } from '@mantine/core';
import { IconApi, IconFilterOff } from '@tabler/icons-react';
import { api, may, useSession } from '@/api';
import { Card, EmptyState, Export, Filters, PageHeader, SideDrawer, WindowBadge, useOpen, type Choice } from '@/components';
import { usePeriod, useScope } from '@/shell/controls';
import { figure, id, list, oneOf, text, useUrlState } from '@/url/state';
import { RequestDetail } from './RequestDetail';
import { Admitted } from './Admitted';
import { Refused } from './Refused';
import { outcomes } from './outcome';

const params = {
  show: oneOf('admitted', 'refused'),
  user: text,
  model: text,
  project: text,
  priority: text,
  outcome: list,
  min: figure,
  after: id,
};

/** The usage log: what was let through and what was refused. Never the text of anything. */
export default function Requests() {
  const session = useSession();
  const { period } = usePeriod();
  const [scope] = useScope();
  const [state, set] = useUrlState(params);
  const [open, setOpen] = useOpen();
  const all = may(session, 'listRequests');
  const models = api.useQuery('get', '/v1/admin/models', {}, { enabled: may(session, 'listModels'), staleTime: 300_000 });

  const between = { from: period.start, until: period.end ?? undefined };
  const common = { ...between, user: state.user || undefined, model: state.model || undefined, cursor: state.after ?? undefined, limit: 50 };
  const query = {
    ...common,
    team: scope.level === 'team' ? scope.id : undefined,
    project: state.project || undefined,
    priority: (state.priority || undefined) as 'normal' | undefined,
    outcome: state.outcome.length ? (state.outcome as 'completed'[]) : undefined,
    min_cost: state.min ?? undefined,
  };
  const filtered = Boolean(state.user || state.model || state.project || state.priority || state.outcome.length || state.min !== null);
  const choices: Choice[] = [
    {
      label: 'Model',
      value: state.model || null,
      options: (models.data?.data ?? []).filter((m) => m.requests > 0 || m.model === state.model).map((m) => ({ value: m.model, label: m.model })),
      onChange: (v: string | null) => set({ model: v ?? '', after: null }),
    },
    ...(state.show === 'admitted'
      ? [
          {
            label: 'Outcome',
            value: state.outcome[0] ?? null,
            options: Object.entries(outcomes).map(([value, o]) => ({ value, label: o.text })),
            onChange: (v: string | null) => set({ outcome: v ? [v] : [], after: null }),
          },
          {
            label: 'Priority',
            value: state.priority || null,
            options: ['low', 'normal', 'high', 'critical'].map((value) => ({ value, label: value })),
            onChange: (v: string | null) => set({ priority: v ?? '', after: null }),
          },
        ]
      : []),
    ...(state.user ? [{ label: 'Person', value: state.user, options: [{ value: state.user, label: state.user }], onChange: () => set({ user: '', after: null }) }] : []),
    ...(state.project ? [{ label: 'Project', value: state.project, options: [{ value: state.project, label: state.project }], onChange: () => set({ project: '', after: null }) }] : []),
  ].filter((c) => c.options.length);

  const root = all ? '/v1/admin' : '/v1/users/me';
  const empty = filtered ? (
    <EmptyState icon={IconFilterOff} title="No request matches these filters">
      Remove a filter, or look at the window before.
    </EmptyState>
  ) : state.show === 'refused' ? (
    <EmptyState title="Nothing was refused in this window">A refusal appears here within seconds, with the reason and what would have passed.</EmptyState>
  ) : (
    <EmptyState icon={IconApi} title="No requests in this window">
      Point an SDK at <span className="mono">{session.baseUrl}</span>. What it asks appears here as soon as it is booked.
    </EmptyState>
  );
  return (
    <>
      <PageHeader
        title="Requests"
        badges={<WindowBadge window={period} />}
        about={all ? 'What was asked, who paid and what it cost. The text of prompts and answers is kept nowhere.' : 'What you asked and what it cost. The text of prompts and answers is kept nowhere.'}
        actions={
          <Export
            what={state.show === 'admitted' ? 'requests' : 'refusals'}
            request={{ path: `${root}/${state.show === 'admitted' ? 'requests' : 'decisions'}`, query: state.show === 'admitted' ? flat(query) : flat(common) }}
            csvPath={state.show === 'admitted' ? `${root}/requests.csv` : all ? '/v1/admin/decisions.csv' : undefined}
          />
        }
      />
      <Filters
        choices={choices}
        start={
          <SegmentedControl
            size="xs"
            aria-label="Which requests"
            value={state.show}
            onChange={(v) => set({ show: v as 'admitted', after: null })}
            data={[
              { value: 'admitted', label: 'Let through' },
              { value: 'refused', label: 'Refused' },
            ]}
          />
        }
      >
        {state.show === 'admitted' && (
          <NumberInput
            size="xs"
            w={150}
            min={0}
            max={9_000_000_000}
            placeholder="At least … credits"
            aria-label="Cost at least, in credits"
            value={state.min ?? ''}
            onChange={(v) => set({ min: typeof v === 'number' ? v : null, after: null })}
          />
        )}
      </Filters>
      <Card flush>
        {state.show === 'admitted' ? (
          <Admitted all={all} query={query} cursor={state.after} onCursor={(after) => set({ after })} opened={open} onOpen={setOpen} onUser={(user) => set({ user, after: null })} empty={empty} />
        ) : (
          <Refused all={all} query={common} cursor={state.after} onCursor={(after) => set({ after })} empty={empty} />
        )}
      </Card>
      <SideDrawer opened={open !== null} onClose={() => setOpen(null)} title="Request" size={640}>
        {open && <RequestDetail id={open} all={all} />}
      </SideDrawer>
    </>
  );
}

/** A query as a command writes it: lists with commas. */
function flat(query: Record<string, unknown>): Record<string, string | number | undefined> {
  return Object.fromEntries(Object.entries(query).map(([k, v]) => [k, Array.isArray(v) ? v.join(',') : (v as string | number | undefined)]));
}
