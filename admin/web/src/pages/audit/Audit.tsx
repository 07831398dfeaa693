import { Button } from '@mantine/core';
import { IconFilterOff, IconHistory, IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import { useState } from 'react';
import { api, client, useSession, type components } from '@/api';
import { Card, DataTable, EmptyState, Export, Filters, Id, PageHeader, SideDrawer, Time, Tone, WindowBadge, failed, useOpen, type Column } from '@/components';
import { absolute, count, number } from '@/format';
import { usePeriod } from '@/shell/controls';
import { id, text, useUrlState } from '@/url/state';
import { changesOf, show } from './changes';
import { did, who, whom, type Names } from './words';
import classes from './Audit.module.css';

type Event = components['schemas']['AuditEvent'];
type Verdict = components['schemas']['AuditVerdict'];

const params = { action: text, about: text, after: id };

// The first word of an action is what it is about.
const areas = ['user', 'team', 'key', 'transfer', 'organization', 'limit', 'department', 'project', 'session', 'ledger', 'job', 'demo'];

/** Who changed what: a log that can be checked. */
export default function Audit() {
  const session = useSession();
  const { period } = usePeriod();
  const [state, set] = useUrlState(params);
  const [open, setOpen] = useOpen();
  const query = { from: period.start, until: period.end ?? undefined, action: state.action ? `${state.action}.` : undefined, about: state.about || undefined, cursor: state.after ?? undefined, limit: 50 };
  const audit = api.useQuery('get', '/v1/admin/audit', { params: { query } }, { placeholderData: (before) => before });
  const rows = audit.data?.data;
  const names = audit.data?.names ?? {};
  const opened = rows?.find((e) => String(e.seq) === open);

  const columns: Column<Event>[] = [
    {
      id: 'at',
      title: 'When',
      width: 'min(150px, 27vw)',
      cell: (e) => (
        <button type="button" className={classes.open} onClick={() => setOpen(String(e.seq))}>
          <Time at={e.at} zone={session.window.zone} />
        </button>
      ),
    },
    { id: 'actor', title: 'Who', cell: (e) => <span className={classes.text} title={e.actor_id ? `${e.actor} · ${e.actor_id}` : e.actor}>{who(e, names)}</span> },
    { id: 'action', title: 'Did', cell: (e) => <span title={e.action}>{did(e)}</span> },
    { id: 'subject', title: 'To whom or what', cell: (e) => <Whom event={e} names={names} />, from: 'desktop' },
    { id: 'changes', title: 'Changed', cell: (e) => <span className="soft">{summary(e)}</span>, from: 'tablet' },
  ];
  return (
    <>
      <PageHeader
        title="Audit"
        badges={<WindowBadge window={period} />}
        about="Every change by a person or a job. Each entry carries the hash of the one before it, so that a removed or altered entry shows."
        actions={
          <>
            <Verify />
            <Export what="audit" request={{ path: '/v1/admin/audit', query }} csvPath="/v1/admin/audit.csv" />
          </>
        }
      />
      <Filters
        search={state.about}
        onSearch={(about) => set({ about, after: null })}
        placeholder="Id of a person, team or key"
        choices={[{ label: 'About', value: state.action || null, options: areas.map((value) => ({ value, label: value })), onChange: (v) => set({ action: v ?? '', after: null }) }]}
      />
      <Card flush>
        <DataTable
          label="Audit"
          columns={columns}
          rows={rows}
          idOf={(e) => String(e.seq)}
          loading={audit.isFetching}
          error={audit.error}
          retry={() => void audit.refetch()}
          onOpen={(e) => setOpen(String(e.seq))}
          opened={open}
          paging={{ cursor: state.after, next: audit.data?.next_cursor, onCursor: (after) => set({ after }) }}
          minRows={10}
          empty={
            state.action || state.about ? (
              <EmptyState icon={IconFilterOff} title="No change matches these filters">
                The search is for an exact id, such as the one in the address of a person's page.
              </EmptyState>
            ) : (
              <EmptyState icon={IconHistory} title="Nothing was changed in this window">
                Creating a person, moving credits, changing a setting: each appears here.
              </EmptyState>
            )
          }
        />
      </Card>
      <SideDrawer opened={open !== null} onClose={() => setOpen(null)} title={opened ? `${who(opened, names)} ${did(opened)}` : 'Change'}>
        {opened ? <Opened event={opened} names={names} zone={session.window.zone} /> : <EmptyState title="This change is not on this page of the list">Go through the pages, or remove filters.</EmptyState>}
      </SideDrawer>
    </>
  );
}

function summary(e: Event): string {
  const fields = changesOf(e).map((c) => c.field);
  if (!fields.length) return e.reason ?? '–';
  return fields.length > 3 ? `${fields.slice(0, 3).join(', ')} and ${fields.length - 3} more` : fields.join(', ');
}

function Whom({ event: e, names }: { event: Event; names: Names }) {
  const text = whom(e, names);
  return (
    <span className={`${classes.text} ${text === e.subject ? 'mono' : ''}`} title={e.subject}>
      {text}
    </span>
  );
}

/** One change: each field before and after. */
function Opened({ event: e, names, zone }: { event: Event; names: Names; zone: string }) {
  const changes = changesOf(e);
  return (
    <div className={classes.detail}>
      <p>
        {absolute(e.at, zone)}
        {e.ip && <span className="soft"> from {e.ip}</span>}
      </p>
      {e.reason && <p className={classes.reason}>“{e.reason}”</p>}
      <dl className={classes.chain}>
        <dt>Who</dt>
        <dd>
          {who(e, names)} {e.actor_id && <span className="soft">{e.actor}</span>}
          {e.actor_id && <Id value={e.actor_id} what="id of who did it" />}
        </dd>
        <dt>Did</dt>
        <dd>
          <Id value={e.action} what="action" />
        </dd>
        <dt>To</dt>
        <dd>
          {whom(e, names) !== e.subject && <div>{whom(e, names)}</div>}
          <Id value={e.subject} what="subject" />
        </dd>
      </dl>
      {changes.length === 0 ? (
        <p className="soft">No field was recorded with this change.</p>
      ) : (
        <table className={classes.diff}>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {changes.map((c) => (
              <tr key={c.field}>
                <th scope="row">{c.field}</th>
                <td>{c.before === undefined ? <span className="soft">not there</span> : <del>{show(c.before, names)}</del>}</td>
                <td>{c.after === undefined ? <span className="soft">gone</span> : <ins>{show(c.after, names)}</ins>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <dl className={classes.chain}>
        <dt>Entry</dt>
        <dd>{number(e.seq)}</dd>
        <dt>Hash</dt>
        <dd className="mono">{e.hash}</dd>
        <dt>Before it</dt>
        <dd className="mono">{e.prev_hash || 'the first entry'}</dd>
        {e.request_id && (
          <>
            <dt>Request</dt>
            <dd className="mono">{e.request_id}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

/** Has the server compute the chain anew. */
function Verify() {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [busy, setBusy] = useState(false);
  const verify = async () => {
    setBusy(true);
    try {
      setVerdict((await client.GET('/v1/admin/audit/verify')).data!);
    } catch (error) {
      failed('The chain could not be checked', error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <span aria-live="polite">
        {verdict && (
          <Tone tone={verdict.intact ? 'ok' : 'bad'} icon={verdict.intact ? IconShieldCheck : IconShieldX}>
            {verdict.intact ? `intact: ${count(verdict.events, 'entry', 'entries')}` : `broken at entry ${number(verdict.broken_at)}`}
          </Tone>
        )}
      </span>
      <Button variant="default" onClick={() => void verify()} loading={busy} leftSection={<IconShieldCheck size={16} aria-hidden />}>
        Verify the chain
      </Button>
    </>
  );
}
