import { IconAlertTriangle } from '@tabler/icons-react';
import { useMemo } from 'react';
import { api, type components } from '@/api';
import { Card, Credits, DataTable, EmptyState, ErrorState, Export, Filters, Time, Tone, WaitingText, type Column } from '@/components';
import { absolute, exact, number } from '@/format';
import { oneOf, sort, text, useUrlState } from '@/url/state';
import classes from './Providers.module.css';

type Model = components['schemas']['ModelList']['data'][number];
type Price = components['schemas']['ModelPrice'];

const params = { q: text, models: oneOf('all', 'used', 'unpriced'), sort: sort(['credits', 'model', 'requests'], { field: 'credits', descending: true }) };

/** Every model with its price, those without one first told. */
export function Models() {
  const [state, set] = useUrlState(params);
  const models = api.useQuery('get', '/v1/admin/models', {});
  const rows = useMemo(() => {
    const q = state.q.toLowerCase();
    return (models.data?.data ?? [])
      .filter((m) => (state.models === 'all' || (state.models === 'used' ? m.requests > 0 : !m.priced)) && (m.model + m.provider).toLowerCase().includes(q))
      .sort((a, b) => {
        const by = state.sort.field;
        const order = by === 'model' ? a.model.localeCompare(b.model) : a[by as 'credits'] - b[by as 'credits'];
        return (state.sort.descending ? -order : order) || a.model.localeCompare(b.model);
      });
  }, [models.data, state]);
  const unpriced = models.data?.data.filter((m) => !m.priced && m.requests > 0) ?? [];

  if (models.error) {
    return (
      <Card title="What does each model cost?">
        <ErrorState error={models.error} what="the models" retry={() => void models.refetch()} retrying={models.isFetching} />
      </Card>
    );
  }
  const columns: Column<Model>[] = [
    {
      id: 'model',
      title: 'Model',
      sortable: true,
      cell: (m) => (
        <span className={classes.name}>
          <span className={classes.model}>{m.model}</span>
          {!m.priced && m.requests > 0 && (
            <Tone tone="warn" icon={IconAlertTriangle}>
              unpriced
            </Tone>
          )}
        </span>
      ),
    },
    { id: 'provider', title: 'Provider', cell: (m) => m.provider || <span className="soft">–</span>, from: 'desktop' },
    { id: 'pattern', title: 'Priced as', cell: (m) => (m.priced ? <span className="mono">{m.price.pattern}</span> : <span className="soft">default price</span>), from: 'desktop' },
    { id: 'input', title: 'Input', numeric: true, cell: (m) => number(m.price.input), from: 'tablet' },
    { id: 'output', title: 'Output', numeric: true, cell: (m) => number(m.price.output), from: 'tablet' },
    { id: 'max', title: 'Longest answer', numeric: true, cell: (m) => number(m.max_output_tokens), from: 'wide' },
    { id: 'requests', title: 'Requests', numeric: true, sortable: true, cell: (m) => number(m.requests), from: 'desktop' },
    { id: 'last', title: 'Last used', cell: (m) => <Time at={m.last_used_at} />, from: 'wide' },
    { id: 'credits', title: 'Credits', numeric: true, sortable: true, cell: (m) => <Credits value={m.credits} /> },
  ];
  return (
    <div className={classes.stack}>
      <Card
        title="What does each model cost?"
        about={
          <>
            Credits per million tokens, by rate card {number(models.data?.card_version)}. Use is of this window.
            <span className={classes.priced} data-warn={unpriced.length > 0 || undefined}>
              {!models.data ? (
                <WaitingText chars={64} />
              ) : unpriced.length === 0 ? (
                'Every model that was used has a price of its own.'
              ) : (
                <>
                  <IconAlertTriangle size={15} aria-hidden /> {number(unpriced.length)} {unpriced.length === 1 ? 'model was used without a price of its' : 'models were used without a price of their'} own: the default price was taken.
                </>
              )}
            </span>
          </>
        }
        flush
        actions={
          <Export
            disabled={!models.data}
            what="models"
            request={{ path: '/v1/admin/models' }}
            rows={() => ({ head: ['model', 'provider', 'priced as', 'input', 'output', 'requests', 'credits'], rows: rows.map((m) => [m.model, m.provider, m.price.pattern, m.price.input, m.price.output, m.requests, m.credits]) })}
          />
        }
      >
        <div className={classes.filters}>
          <Filters
            search={state.q}
            onSearch={(q) => set({ q })}
            placeholder="Find a model"
            choices={[
              {
                label: 'Show',
                value: state.models === 'all' ? null : state.models,
                options: [
                  { value: 'used', label: 'used in this window' },
                  { value: 'unpriced', label: 'without a price' },
                ],
                onChange: (v) => set({ models: (v ?? 'all') as 'all' }),
              },
            ]}
          />
        </div>
        <DataTable
          label="Models"
          columns={columns}
          rows={models.data && rows}
          minRows={12}
          idOf={(m) => `${m.provider}/${m.model}`}
          sort={state.sort}
          onSort={(s) => set({ sort: s as typeof state.sort })}
          compact
          empty={<EmptyState title="No model matches">Remove a filter, or search for another name.</EmptyState>}
        />
      </Card>
      {models.data && <Versions versions={models.data.versions} />}
    </div>
  );
}

/** Earlier rate cards: a request is charged by the one in force when it began. */
function Versions({ versions }: { versions: components['schemas']['ModelList']['versions'] }) {
  return (
    <Card title="Versions of the rate card" about="A request is charged by the card in force when it began, and keeps that price.">
      {versions.map((v, i) => (
        <details key={v.version} className={classes.version}>
          <summary>
            Version {v.version} {i === 0 && <Tone tone="accent">in force</Tone>} <span className="soft">{v.effective_from && new Date(v.effective_from).getTime() > 0 ? `since ${absolute(v.effective_from)}` : 'from the start'}</span>
          </summary>
          <Prices prices={v.prices} version={v.version} />
        </details>
      ))}
    </Card>
  );
}

function Prices({ prices, version }: { prices: Price[]; version: number }) {
  const figure = (v: number) => (v === 0 ? <span className="soft">0</span> : exact(v));
  return (
    <div className={classes.prices} tabIndex={0} role="group" aria-label={`Prices of version ${version}`}>
      <table>
        <thead>
          <tr>
            {['Models', 'Input', 'From cache', 'To cache', 'Output', 'Reasoning', 'Per request'].map((h) => (
              <th key={h} scope="col">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {prices.map((p) => (
            <tr key={p.pattern}>
              <th scope="row" className="mono">
                {p.pattern}
              </th>
              {[p.input, p.cached_input, p.cache_write, p.output, p.reasoning, p.request].map((v, i) => (
                <td key={i}>{figure(v)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
