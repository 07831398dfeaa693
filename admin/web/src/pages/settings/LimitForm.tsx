import { Button, NumberInput, Radio, Select } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ifMatch, may, Problem, useSession, type Tagged } from '@/api';
import { Confirm, Refused, done, failed } from '@/components';
import { amount, effect, fails, idOf, metrics, modes, scopes, type Limit, type LimitPut } from './limits';
import classes from './Settings.module.css';
import { Subject, SubjectField } from './Subject';

interface Props {
  /** What the address names, which may not exist any more. */
  given: Pick<Limit, 'scope' | 'subject' | 'metric'> | null;
  /** The limit that is changed, or null for a new one. */
  before: Limit | null;
  /** The mode that a new one begins with. */
  begin?: Limit['mode'];
  all: readonly Limit[];
  /** The list as it was read, which a change must not go past. */
  tagged: Tagged<unknown> | undefined;
  onDone: () => void;
}

function row(l: Limit): LimitPut {
  const capped = l.metric === 'credits';
  return { scope: l.scope, subject: l.subject || undefined, metric: l.metric, mode: l.mode, ...(capped ? { credits: l.credits } : { rate: l.rate }), fail_mode: l.fail_mode ?? null };
}

/** Sets, changes or removes one limit, and says what that does before it happens. */
export function LimitForm({ given, before, begin = 'enforce', all, tagged, onDone }: Props) {
  const session = useSession();
  const queries = useQueryClient();
  const put = api.useMutation('put', '/v1/admin/limits');
  const [scope, setScope] = useState<Limit['scope']>(given?.scope ?? 'organization');
  const [subject, setSubject] = useState(given?.subject ?? '');
  const [metric, setMetric] = useState<Limit['metric']>(given?.metric ?? 'credits');
  const [value, setValue] = useState<number | ''>(before?.credits ?? before?.rate ?? '');
  const [mode, setMode] = useState<Limit['mode']>(before?.mode ?? begin);
  const [fail, setFail] = useState<string>(before?.fail_mode ?? '');
  const [removing, setRemoving] = useState(false);
  const [tried, setTried] = useState(false);
  const unit = session.organisation.unit;
  const capped = metric === 'credits';
  const replaced = before ?? all.find((l) => l.metric === metric && l.scope === scope && (scope === 'organization' || l.subject === subject)) ?? null;
  const after = { scope, subject: subject.trim(), metric, mode, ...(capped ? { credits: value === '' ? undefined : value } : { rate: value === '' ? undefined : value }), fail_mode: fail || undefined } as Limit;
  const faults = {
    subject: scope !== 'organization' && !subject.trim() ? 'Choose what it binds.' : undefined,
    value: value === '' ? 'How much does it allow?' : !capped && (value < 1 || !Number.isInteger(value)) ? 'A whole number from 1.' : undefined,
  };
  const param = put.error instanceof Problem ? (put.error.param ?? '') : '';
  const stale = before && JSON.stringify(all.find((l) => idOf(l) === idOf(before))) !== JSON.stringify(before);
  const write = async (rows: LimitPut[], over = false) => {
    try {
      await put.mutateAsync({ params: { header: (over ? {} : ifMatch(tagged)) as never }, body: { data: rows } });
    } catch (e) {
      // What somebody else set meanwhile is read, and told beside what was typed.
      if (e instanceof Problem && e.conflicts) await queries.invalidateQueries({ queryKey: ['get', '/v1/admin/limits'] });
      throw e;
    }
    await queries.invalidateQueries({ queryKey: ['get', '/v1/admin/limits'] });
  };
  const undo = (rows: LimitPut[]) => async () => {
    try {
      await write(rows, true);
      done('It is as it was before.');
    } catch (e) {
      failed('The limit stays as it is', e);
    }
  };
  const off = (l: Limit): LimitPut => ({ scope: l.scope, subject: l.subject || undefined, metric: l.metric, mode: 'off' });
  const save = async () => {
    setTried(true);
    if (faults.subject || faults.value) return;
    try {
      await write([row(after)]);
    } catch {
      return; // shown in the form, which keeps what was typed
    }
    done(`Set: ${amount(after, unit)}.`, { undo: undo([replaced ? row(replaced) : off(after)]) });
    onDone();
  };
  const edits = may(session, 'putLimits');
  return (
    <form
      className={classes.drawer}
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      {before ? (
        <div>
          <div className="soft">{scopes.find((s) => s.value === scope)?.label}</div>
          <strong className={classes.value}>
            <Subject limit={before} />
          </strong>
          <div className="soft">{metrics.find((m) => m.value === metric)?.label}</div>
        </div>
      ) : (
        <>
          <Select
            label="Binds"
            data={scopes}
            value={scope}
            allowDeselect={false}
            onChange={(v) => {
              if (!v) return;
              setScope(v as Limit['scope']);
              setSubject('');
            }}
            data-autofocus
          />
          {scope !== 'organization' && <SubjectField key={scope} scope={scope} value={subject} onChange={setSubject} error={tried || param.includes('subject') ? faults.subject : undefined} />}
          <Select label="Counts" data={metrics.map(({ value, label }) => ({ value, label }))} value={metric} allowDeselect={false} onChange={(v) => v && setMetric(v as Limit['metric'])} />
        </>
      )}
      <NumberInput
        label={capped ? `Allows (${unit} per window)` : `Allows (${metrics.find((m) => m.value === metric)!.unit})`}
        description={capped ? '0 refuses everything.' : 'At least 1.'}
        value={value}
        error={tried ? faults.value : undefined}
       
        allowNegative={false}
        allowDecimal={capped}
        max={capped ? 9e9 : 60_000_000}
        hideControls
        disabled={!edits}
        onChange={(v) => setValue(v === '' ? '' : Number(v))}
      />
      <Radio.Group label="Mode" value={mode} onChange={(v) => setMode(v as Limit['mode'])}>
        <div className={classes.options}>
          {modes.map((m) => (
            <Radio key={m.value} value={m.value} label={m.label} description={m.about} disabled={!edits} />
          ))}
        </div>
      </Radio.Group>
      <Select label="While the live counters cannot be reached" description="Of several limits the strictest counts." data={fails} value={fail} allowDeselect={false} disabled={!edits} onChange={(v) => setFail(v ?? '')} />
      <div aria-live="polite">
        {!before && replaced && (
          <p>
            There is one already: <strong>{amount(replaced, unit)}</strong>. This replaces it.
          </p>
        )}
        {value !== '' && <p className="soft">{effect(replaced, after)}</p>}
      </div>
      {stale && <Refused error={new Problem({ status: 412, code: 'changed', message: 'The limit is another now than when you opened it. Saving replaces it with yours.' })} />}
      {put.error !== null && !removing && <Refused error={put.error} />}
      {edits && (
        <div className={classes.end}>
          {before && (
            <Button variant="default" color="red" onClick={() => setRemoving(true)}>
              Remove limit
            </Button>
          )}
          <Button type="submit" loading={put.isPending && !removing}>
            {before ? 'Change limit' : 'Set limit'}
          </Button>
        </div>
      )}
      {before && (
        <Confirm
          opened={removing}
          onClose={() => setRemoving(false)}
          title="Remove this limit?"
          consequences={
            <>
              {amount(before, unit)} {before.mode === 'enforce' ? 'is not enforced any more within a second: requests that were refused because of it may pass.' : 'is not counted any more.'} What was used stays used.
            </>
          }
          verb="Remove limit"
          danger
          onConfirm={async () => {
            await write([off(before)]);
            done('Removed.', { undo: undo([row(before)]) });
            onDone();
          }}
        />
      )}
    </form>
  );
}
