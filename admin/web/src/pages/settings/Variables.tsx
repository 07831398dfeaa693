import { api, type components } from '@/api';
import { Card, DataTable, EmptyState, Export, Tone, WaitingText, type Column } from '@/components';
import classes from './Settings.module.css';

type Variable = components['schemas']['SettingVariable'];

const sources = { environment: 'environment', record: 'the settings above', default: 'default' } as const;

/** The guide's variables: what the environment says beside what counts. */
export function Variables() {
  const settings = api.useQuery('get', '/v1/admin/settings');
  const s = settings.data;
  const columns: Column<Variable>[] = [
    {
      id: 'name',
      title: 'Variable',
      cell: (v) => (
        <span className={classes.variable}>
          <span className="mono">{v.name}</span>
          <span className="soft">{v.description}</span>
        </span>
      ),
    },
    { id: 'environment', title: 'Environment', from: 'tablet', cell: (v) => <Value text={v.environment} missing="not set" /> },
    { id: 'in_force', title: 'In force', cell: (v) => <Value text={v.in_force} missing="not set" differs={v.environment !== null && v.environment !== v.in_force} /> },
    { id: 'source', title: 'From', from: 'tablet', cell: (v) => <span title={v.source === 'record' ? 'It was read from the environment at the first start. The organisation’s settings have counted since.' : undefined}>{sources[v.source]}</span> },
  ];
  return (
    <Card
      flush
      title="Environment"
      about={s ? `${s.environment === 'development' ? 'A development setup' : 'Production'} at ${s.public_url}. A variable of a default counts at the first start only; after that the settings above do.` : settings.isPending ? <WaitingText chars={60} /> : 'What the environment says, and what counts.'}
      actions={(s || settings.isPending) && <Export disabled={!s} what="variables" request={{ path: '/v1/admin/settings' }} rows={() => ({ head: ['name', 'environment', 'in_force', 'source'], rows: (s?.variables ?? []).map((v) => [v.name, v.environment, v.in_force, v.source]) })} />}
    >
      <DataTable label="Variables" columns={columns} rows={s?.variables} idOf={(v) => v.name} loading={settings.isFetching} error={settings.error} retry={() => void settings.refetch()} empty={<EmptyState compact title="No variables are known" />} />
    </Card>
  );
}

function Value({ text, missing, differs }: { text: string | null | undefined; missing: string; differs?: boolean }) {
  if (text === null || text === undefined) return <span className="soft">{missing}</span>;
  return (
    <span className={`mono ${classes.value}`}>
      {text} {differs && <Tone tone="warn">differs</Tone>}
    </span>
  );
}
