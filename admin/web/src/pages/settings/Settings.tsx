import { Alert, Button, NumberInput, Select, Skeleton, Switch, Tabs, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { client, ifMatch, Problem, useTagged, type Tagged } from '@/api';
import { Card, Confirm, ErrorState, PageHeader, Refused, WindowBadge, done } from '@/components';
import { useSession } from '@/api';
import { number } from '@/format';
import { oneOf, useUrlState } from '@/url/state';
import { Demo } from './Demo';
import { changeOf, differing, valuesOf, words, type Organization, type Values } from './fields';
import { Keys } from './Keys';
import { Limits } from './Limits';
import { Variables } from './Variables';
import classes from './Settings.module.css';

const key = ['organization'];
const read = (signal: AbortSignal) => client.GET('/v1/admin/organization', { signal });

const params = { part: oneOf('organisation', 'limits', 'keys') };

/** What holds for the whole organisation: its own settings, the limits that bind it, and whose a key is. */
export default function Settings() {
  const session = useSession();
  const [{ part }, set] = useUrlState(params);
  return (
    <>
      <PageHeader title="Settings" badges={<WindowBadge window={session.window} />} />
      <Tabs value={part} onChange={(p) => set({ part: (p ?? 'organisation') as typeof part })} keepMounted={false}>
        <Tabs.List aria-label="Parts of the settings" mb="lg">
          <Tabs.Tab value="organisation">Organisation</Tabs.Tab>
          <Tabs.Tab value="limits">Limits</Tabs.Tab>
          <Tabs.Tab value="keys">Keys</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="organisation">
          <Organisation />
        </Tabs.Panel>
        <Tabs.Panel value="limits">
          <Limits />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** The organisation's own settings, and where each default comes from. */
function Organisation() {
  const organisation = useTagged<Organization>(key, read);
  return (
    <div className={classes.stack}>
      {organisation.data ? (
        <Form tagged={organisation.data} reload={async () => (await organisation.refetch()).data} />
      ) : organisation.error ? (
        <ErrorState error={organisation.error} what="the settings" retry={() => void organisation.refetch()} retrying={organisation.isFetching} />
      ) : (
        <Card title="Organisation">
          <Skeleton height={320} />
        </Card>
      )}
      <Variables />
      <Demo />
    </div>
  );
}

const months = Array.from({ length: 12 }, (_, i) => ({ value: String(i + 1), label: new Date(Date.UTC(2026, i, 1)).toLocaleDateString(undefined, { month: 'long', timeZone: 'UTC' }) }));
const days = Array.from({ length: 7 }, (_, i) => ({ value: String(i), label: new Date(Date.UTC(2026, 1, 1 + i)).toLocaleDateString(undefined, { weekday: 'long', timeZone: 'UTC' }) }));

function Form({ tagged, reload }: { tagged: Tagged<Organization>; reload: () => Promise<Tagged<Organization> | undefined> }) {
  const queries = useQueryClient();
  // What the form began with. It stays while the person types, whatever is read meanwhile.
  const [base, setBase] = useState(tagged);
  const was = useMemo(() => valuesOf(base.data), [base]);
  const origin = useRef(was);
  const [v, setV] = useState(was);
  const [confirming, setConfirming] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<(keyof Values)[]>([]);
  const touched = differing(origin.current, v);
  useEffect(() => {
    if (touched.length > 0 || tagged === base) return;
    setBase(tagged);
    origin.current = valuesOf(tagged.data);
    setV(origin.current);
    // eslint-disable-next-line -- follows what was read only while nothing is typed
  }, [tagged]);
  const set = <F extends keyof Values>(field: F) => (value: Values[F]) => setV((now) => ({ ...now, [field]: value }));
  const figure = (field: keyof Values) => ({ value: v[field] as number | string, onChange: set(field) as (x: number | string) => void, min: 0, max: 9_000_000_000, allowNegative: false, thousandSeparator: ' ', error: wrong(field) });
  const wrong = (field: keyof Values) => (error instanceof Problem && error.param?.split('.').at(-1) === field ? error.message : v[field] === '' ? 'Enter a value.' : undefined);
  const empty = touched.some((f) => v[f] === '');
  const moves = touched.some((f) => f === 'zone' || f === 'window_kind' || f === 'anchor_day' || f === 'week_start' || f === 'fiscal_month');

  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data, response } = await client.PATCH('/v1/admin/organization', { params: { header: ifMatch(base) as never }, body: changeOf(origin.current, v) as never });
      const fresh = { data: data as Organization, etag: response.headers.get('ETag') };
      queries.setQueryData(key, fresh);
      origin.current = valuesOf(fresh.data);
      setBase(fresh);
      setV(origin.current);
      setTheirs([]);
      done('The settings were saved. They count from the next request on.');
      void queries.invalidateQueries({ queryKey: ['session'] });
      void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/settings'] });
    } catch (e) {
      if (e instanceof Problem && e.conflicts) {
        const now = await reload();
        if (now) {
          const values = valuesOf(now.data);
          setTheirs(differing(origin.current, values));
          // What the person did not touch becomes what it is now; what they typed stays.
          const kept = Object.fromEntries(touched.map((f) => [f, v[f]]));
          origin.current = values;
          setBase(now);
          setV({ ...values, ...kept } as Values);
        }
      }
      setError(e);
      throw e;
    } finally {
      setBusy(false);
    }
  };
  const conflict = error instanceof Problem && error.conflicts;
  return (
    <form
      noValidate
      className={classes.stack}
      onSubmit={(e) => {
        e.preventDefault();
        if (empty || touched.length === 0) return;
        if (moves) setConfirming(true);
        else save().catch(() => {});
      }}
    >
      <Card title="Organisation">
        <div className={classes.grid}>
          <TextInput label="Name" maxLength={200} value={v.name} onChange={(e) => set('name')(e.currentTarget.value)} error={wrong('name')} />
          <TextInput label="Unit" description="What credits are called on every page." maxLength={40} value={v.unit_name} onChange={(e) => set('unit_name')(e.currentTarget.value)} error={wrong('unit_name')} />
        </div>
      </Card>
      <Card title="Window" about="When quotas and pools start anew.">
        <div className={classes.grid}>
          <Select label="Time zone" searchable allowDeselect={false} data={zones(v.zone)} value={v.zone} onChange={(x) => x && set('zone')(x)} error={wrong('zone')} />
          <Select
            label="Window"
            allowDeselect={false}
            data={[
              { value: 'daily', label: 'Day' },
              { value: 'weekly', label: 'Week' },
              { value: 'monthly', label: 'Month' },
              { value: 'quarterly', label: 'Quarter' },
              { value: 'yearly', label: 'Year' },
              { value: 'lifetime', label: 'Never starts anew' },
              ...(v.window_kind === 'range' ? [{ value: 'range', label: 'A range that was set by the API' }] : []),
            ]}
            value={v.window_kind}
            onChange={(x) => x && set('window_kind')(x)}
          />
          {v.window_kind === 'weekly' && <Select label="Starts on" allowDeselect={false} data={days} value={v.week_start} onChange={(x) => x && set('week_start')(x)} />}
          {['monthly', 'quarterly', 'yearly'].includes(v.window_kind) && <NumberInput label="Starts on day" description="1 to 28: days that every month has." min={1} max={28} allowDecimal={false} clampBehavior="strict" value={v.anchor_day} onChange={set('anchor_day')} error={wrong('anchor_day')} />}
          {['quarterly', 'yearly'].includes(v.window_kind) && <Select label="Year starts in" allowDeselect={false} data={months} value={v.fiscal_month} onChange={(x) => x && set('fiscal_month')(x)} />}
        </div>
      </Card>
      <Card title="Defaults" about="For people and teams that have no figure of their own. Credits per window.">
        <div className={classes.grid}>
          <NumberInput label="Personal quota" description="Of people without a quota of their own, their team’s or their department’s." {...figure('default_personal_quota')} />
          <NumberInput label="Team pool" description="Of teams that are added without one." {...figure('default_team_pool')} />
          <NumberInput label="Vacation share" description="How much of its pool a team may get from members who are away." suffix=" %" {...figure('vacation_share_percentage')} max={100} thousandSeparator="" allowDecimal={false} />
          <NumberInput label="Critical overdraft" description="How far critical requests may go past an empty quota. It is owed by the next one." {...figure('critical_overdraft_limit')} />
          <Select label="Highest priority" description="Of people for whom none is set." allowDeselect={false} data={['low', 'normal', 'high', 'critical'].map((x) => ({ value: x, label: x[0]!.toUpperCase() + x.slice(1) }))} value={v.default_max_priority} onChange={(x) => x && set('default_max_priority')(x)} />
          <Select
            label="Pool sharing"
            description="Of teams that do not say otherwise."
            allowDeselect={false}
            data={[
              { value: 'equal', label: 'Equal shares' },
              { value: 'open', label: 'First come' },
            ]}
            value={v.pool_sharing}
            onChange={(x) => x && set('pool_sharing')(x)}
          />
        </div>
      </Card>
      <Card title="Transfers and privacy">
        <div className={classes.grid}>
          <Select
            label="Who may transfer"
            allowDeselect={false}
            data={[
              { value: 'members', label: 'Everybody, from their own quota' },
              { value: 'admins', label: 'Admins only' },
            ]}
            value={v.transfers_by}
            onChange={(x) => x && set('transfers_by')(x)}
          />
          <NumberInput label="Largest transfer" description="Credits that a person may give at once." {...figure('transfer_free_limit')} />
          <Select
            className={classes.wide}
            label="While live counters are away"
            description="What happens to requests while Redis cannot be reached."
            allowDeselect={false}
            data={[
              { value: 'deny', label: 'Refuse them: nothing can go past a limit' },
              { value: 'local', label: 'Let some through, from an allowance that each proxy keeps' },
              { value: 'allow', label: 'Let all through: limits do not count meanwhile' },
            ]}
            value={v.fail_mode}
            onChange={(x) => x && set('fail_mode')(x)}
          />
          <Switch className={classes.wide} label="Private for everybody" description="Treat every request as if it asked for privacy. The text of prompts and answers is kept nowhere either way." checked={v.force_privacy} onChange={(e) => set('force_privacy')(e.currentTarget.checked)} />
        </div>
      </Card>
      {conflict && (
        <Alert color="yellow" variant="light" role="alert" title="Somebody else changed the settings in the meantime">
          What you typed is still here.
          {theirs.length > 0 && (
            <>
              {' '}
              They changed:
              <ul className={classes.now}>
                {theirs.map((f) => (
                  <li key={f}>
                    {words[f]} is now {told(valuesOf(tagged.data)[f])}
                  </li>
                ))}
              </ul>
            </>
          )}{' '}
          Save again to keep yours; what you did not touch stays theirs.
        </Alert>
      )}
      {error !== null && !conflict && !(error instanceof Problem && error.param) && <Refused error={error} />}
      {touched.length > 0 && (
        <div className={classes.save} role="region" aria-label="Changes that are not saved">
          <span>Not saved yet: {touched.map((f) => words[f]).join(', ')}</span>
          <div className={classes.actions}>
            <Button
              variant="default"
              disabled={busy}
              onClick={() => {
                setV(origin.current);
                setError(null);
              }}
            >
              Discard
            </Button>
            <Button type="submit" loading={busy} disabled={empty}>
              Save settings
            </Button>
          </div>
        </div>
      )}
      <Confirm
        opened={confirming}
        onClose={() => setConfirming(false)}
        title="Change the window of everybody?"
        verb="Change window"
        acknowledge="Everybody’s quota and every pool start anew at another time"
        consequences={
          <>
            It holds at once. When credits were already spent or moved in the window that runs, a change that would move the start of that window is refused: make it right after the reset.
          </>
        }
        onConfirm={save}
      />
    </form>
  );
}

function told(value: Values[keyof Values]): string {
  return typeof value === 'number' ? number(value) : typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

function zones(current: string): string[] {
  const all = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')];
  return all.includes(current) ? all : [current, ...all];
}
