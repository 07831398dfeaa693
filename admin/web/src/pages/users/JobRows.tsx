import { SegmentedControl } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconEqual, IconHourglass } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api';
import { DataTable, EmptyState, Tone } from '@/components';
import { number } from '@/format';
import type { Job, JobRow, Outcome } from './jobs';
import classes from './Jobs.module.css';

const fields: Record<string, string> = { personal_quota: 'quota', status: 'status', name: 'name', email: 'email', department: 'department', department_id: 'department', access_role: 'role', max_priority: 'highest priority', team: 'team', teams: 'teams', team_id: 'team' };

/** A value of a change as people read it; absent is "none". */
export function value(v: unknown, field: string): string {
  if (v === null || v === undefined || v === '') return field === 'personal_quota' ? 'inherits' : 'none';
  if (typeof v === 'number') return number(v);
  if (v === 'on_vacation') return 'on vacation';
  if (typeof v === 'object') return JSON.stringify(v);
  return String(v);
}

const outcomes: Record<Outcome, { text: string; dry: string; tone: 'ok' | 'bad' | 'plain'; icon: typeof IconCheck }> = {
  changed: { text: 'Changed', dry: 'Will change', tone: 'ok', icon: IconCheck },
  unchanged: { text: 'As it was', dry: 'Stays as it is', tone: 'plain', icon: IconEqual },
  failed: { text: 'Not done', dry: 'Cannot be done', tone: 'bad', icon: IconAlertTriangle },
  pending: { text: 'Waiting', dry: 'Waiting', tone: 'plain', icon: IconHourglass },
};

/** Who a job is about and what becomes of each: the difference before it happens, the outcome after. */
export function JobRows({ job }: { job: Job }) {
  const first: Outcome | 'all' = job.failed > 0 ? 'failed' : 'all';
  const [outcome, setOutcome] = useState<Outcome | 'all'>(first);
  const [cursor, setCursor] = useState<string | null>(null);
  const query = { outcome: outcome === 'all' ? undefined : outcome, cursor: cursor ?? undefined, limit: 25 };
  const rows = api.useQuery('get', '/v1/admin/jobs/{job_id}/rows', { params: { path: { job_id: job.id }, query } }, { placeholderData: (before) => before });
  const choose = (o: string) => {
    setOutcome(o as Outcome | 'all');
    setCursor(null);
  };
  const kinds = (['changed', 'unchanged', 'failed'] as const).filter((o) => job[o] > 0);
  return (
    <div className={classes.rows}>
      {kinds.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label="Show those that"
          value={outcome}
          onChange={choose}
          data={[{ value: 'all', label: `All ${number(job.total)}` }, ...kinds.map((o) => ({ value: o, label: `${job.dry_run ? outcomes[o].dry : outcomes[o].text} ${number(job[o])}` }))]}
        />
      )}
      <div className={classes.frame}>
        <DataTable<JobRow>
          label="What becomes of each"
          compact
          rows={rows.data?.data}
          loading={rows.isFetching && rows.isPlaceholderData}
          error={rows.error}
          retry={() => void rows.refetch()}
          idOf={(r) => String(r.row)}
          columns={[
            { id: 'label', title: job.kind === 'import_people' ? 'Line' : 'Who', cell: (r) => <span className={classes.who}>{job.kind === 'import_people' && <span className="soft num">{r.row} </span>}{r.label || '–'}</span> },
            { id: 'outcome', title: '', width: 140, cell: (r) => <Said row={r} dry={job.dry_run} /> },
            { id: 'what', title: job.dry_run ? 'What would change' : 'What changed', cell: (r) => <What row={r} /> },
          ]}
          paging={{ cursor, next: rows.data?.next_cursor, onCursor: setCursor }}
          minRows={4}
          empty={<EmptyState compact title="Nobody here">No row came out like this.</EmptyState>}
        />
      </div>
    </div>
  );
}

function Said({ row, dry }: { row: JobRow; dry: boolean }) {
  const o = outcomes[row.outcome];
  const made = row.outcome === 'changed' && row.action === 'user.create';
  return (
    <Tone tone={o.tone} icon={o.icon}>
      {made ? (dry ? 'Will be added' : 'Added') : dry ? o.dry : o.text}
    </Tone>
  );
}

function What({ row }: { row: JobRow }) {
  if (row.error) {
    return (
      <span className={classes.why}>
        {row.error.message}
        {row.error.param && <span className="soft"> ({row.error.param})</span>}
      </span>
    );
  }
  if (!row.changes?.length) return <span className="soft">nothing</span>;
  return (
    <ul className={classes.changes}>
      {row.changes.map((c) => (
        <li key={c.field}>
          <span className="soft">{fields[c.field] ?? c.field}</span> {row.action !== 'user.create' && <><s>{value(c.before, c.field)}</s> → </>}
          <strong>{value(c.after, c.field)}</strong>
        </li>
      ))}
    </ul>
  );
}
