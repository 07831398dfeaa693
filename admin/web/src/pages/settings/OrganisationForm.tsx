import { Alert, Button, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { client, ifMatch, Problem, type Tagged } from '@/api';
import { Card, Refused, WaitingFields, done } from '@/components';
import { changeOf, days, differing, months, told, valuesOf, windowKinds, words, type Organization, type Values } from './fields';
import { NextWindow } from './NextWindow';
import { Review } from './Review';
import classes from './Settings.module.css';

export const key = ['organization'];

const cards = {
  organisation: { title: 'Organisation' },
  window: { title: 'Window', about: 'When quotas and pools start anew.' },
  defaults: { title: 'Defaults', about: 'For people and teams that have no figure of their own. Credits per window.' },
  transfers: { title: 'Transfers and privacy' },
};

/** The form before it is known what it begins with. */
export function WaitingForm() {
  return (
    <div className={classes.stack} aria-busy="true" aria-label="Loading the settings">
      {([['organisation', 2], ['window', 3], ['defaults', 6], ['transfers', 4]] as const).map(([card, fields]) => (
        <Card key={card} {...cards[card]}>
          <div className={classes.grid}>
            <WaitingFields fields={fields} />
          </div>
        </Card>
      ))}
    </div>
  );
}

/** The organisation's own settings. Nothing is saved before what changes, and for whom, was seen. */
export function OrganisationForm({ tagged, reload }: { tagged: Tagged<Organization>; reload: () => Promise<Tagged<Organization> | undefined> }) {
  const queries = useQueryClient();
  // What the form began with. It stays while the person types, whatever is read meanwhile.
  const [base, setBase] = useState(tagged);
  const was = useMemo(() => valuesOf(base.data), [base]);
  const origin = useRef(was);
  const [v, setV] = useState(was);
  const [review, setReview] = useState<Organization | null>(null);
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
  const figure = (field: keyof Values) => ({ value: v[field] as number | string, onChange: set(field) as (x: number | string) => void, min: 0, max: 9_000_000_000, allowNegative: false, error: wrong(field) });
  const wrong = (field: keyof Values) => (error instanceof Problem && error.param?.split('.').at(-1) === field ? error.message : v[field] === '' ? 'Enter a value.' : undefined);
  const empty = touched.some((f) => v[f] === '');

  const patch = (dry: boolean) =>
    client.PATCH('/v1/admin/organization', {
      params: { header: ifMatch(base) as never, query: dry ? { dry_run: true } : {} },
      body: changeOf(origin.current, v, Boolean(base.data.settings.next_window)) as never,
    });
  /** Takes what the server said no with. After a 412 the form has what somebody else set, and what the person typed. */
  const refused = async (e: unknown) => {
    if (e instanceof Problem && e.conflicts) {
      const now = await reload();
      if (now) {
        const values = valuesOf(now.data);
        setTheirs(differing(origin.current, values));
        const kept = Object.fromEntries(touched.map((f) => [f, v[f]]));
        origin.current = values;
        setBase(now);
        setV({ ...values, ...kept } as Values);
      }
    }
    setReview(null);
    setError(e);
  };
  const look = async () => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await patch(true);
      const changes = (data as unknown as { changes: { after?: Organization }[] }).changes;
      setReview(changes[0]?.after ?? base.data);
    } catch (e) {
      await refused(e);
    } finally {
      setBusy(false);
    }
  };
  const take = (fresh: Tagged<Organization>) => {
    queries.setQueryData(key, fresh);
    origin.current = valuesOf(fresh.data);
    setBase(fresh);
    setV(origin.current);
    setTheirs([]);
    setError(null);
    void queries.invalidateQueries({ queryKey: ['session'] });
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/settings'] });
  };
  const save = async () => {
    setBusy(true);
    try {
      const { data, response } = await patch(false);
      take({ data: data as Organization, etag: response.headers.get('ETag') });
      setReview(null);
      done('The settings were saved.');
    } catch (e) {
      await refused(e);
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
        void look();
      }}
    >
      <Card {...cards.organisation}>
        <div className={classes.grid}>
          <TextInput label="Name" description="Of the organisation, at the top of every page." maxLength={200} value={v.name} onChange={(e) => set('name')(e.currentTarget.value)} error={wrong('name')} />
          <TextInput label="Unit" description="What credits are called on every page." maxLength={40} value={v.unit_name} onChange={(e) => set('unit_name')(e.currentTarget.value)} error={wrong('unit_name')} />
        </div>
      </Card>
      <Card {...cards.window}>
        {base.data.settings.next_window && <NextWindow tagged={base} onTaken={take} onRefused={(e) => void refused(e)} />}
        <div className={classes.grid}>
          <Select label="Time zone" description="Where days and windows begin." searchable allowDeselect={false} data={zones(v.zone)} value={v.zone} onChange={(x) => x && set('zone')(x)} error={wrong('zone')} />
          <Select
            label="Window"
            description="How often they start anew."
            allowDeselect={false}
            data={windowKinds.filter((k) => k.value !== 'range' || v.window_kind === 'range')}
            value={v.window_kind}
            onChange={(x) => x && set('window_kind')(x)}
          />
          {v.window_kind === 'weekly' && <Select label="Starts on" allowDeselect={false} data={days} value={v.week_start} onChange={(x) => x && set('week_start')(x)} />}
          {['monthly', 'quarterly', 'yearly'].includes(v.window_kind) && <NumberInput label="Starts on day" description="1 to 28: days that every month has." min={1} max={28} allowDecimal={false} clampBehavior="strict" value={v.anchor_day} onChange={set('anchor_day')} error={wrong('anchor_day')} />}
          {['quarterly', 'yearly'].includes(v.window_kind) && <Select label="Year starts in" allowDeselect={false} data={months} value={v.fiscal_month} onChange={(x) => x && set('fiscal_month')(x)} />}
        </div>
      </Card>
      <Card {...cards.defaults}>
        <div className={classes.grid}>
          <NumberInput label="Personal quota" description="Of people without a quota of their own or of their team." {...figure('default_personal_quota')} />
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
      <Card {...cards.transfers}>
        <div className={classes.grid}>
          <Select
            label="Who may transfer"
            description="Give credits of their own to a colleague."
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
                    {words[f]} is now {told(f, valuesOf(tagged.data)[f])}
                  </li>
                ))}
              </ul>
            </>
          )}{' '}
          Review again to keep yours; what you did not touch stays theirs.
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
              Review changes
            </Button>
          </div>
        </div>
      )}
      <Review before={base.data} after={review} touched={touched} busy={busy} onClose={() => setReview(null)} onSave={() => void save()} />
    </form>
  );
}

function zones(current: string): string[] {
  const all = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')];
  return all.includes(current) ? all : [current, ...all];
}
