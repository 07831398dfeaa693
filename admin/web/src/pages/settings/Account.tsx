import { Alert, Button, NumberInput, Skeleton, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { client, ifMatch, may, useEdit, useSession, useTagged, type Tagged } from '@/api';
import { Confirm, Credits, ErrorState, Id, Refused, StatusBadge, TeamPicker, done, type TeamRef } from '@/components';
import { AccountKeys } from './AccountKeys';
import { ownedBy, type ServiceAccount } from './serviceAccount';
import classes from './Settings.module.css';

/** One service account: what it may spend, whose it is, its keys, and its end. */
export function Account({ id, onGone }: { id: string; onGone: () => void }) {
  const read = useTagged<ServiceAccount>(['get', '/v1/admin/service-accounts', 'one', id], (signal) => client.GET('/v1/admin/service-accounts/{account_id}', { params: { path: { account_id: id } }, signal }));
  if (read.error && !read.data) return <ErrorState error={read.error} what="this service account" retry={() => void read.refetch()} retrying={read.isFetching} compact />;
  if (!read.data) {
    return (
      <Stack gap="md" aria-busy="true" aria-label="Loading the service account">
        <Skeleton height={56} />
        <Skeleton height={56} />
        <Skeleton height={120} />
      </Stack>
    );
  }
  return <Loaded tagged={read.data} reload={async () => (await read.refetch()).data} onGone={onGone} />;
}

interface Form {
  name: string;
  team: TeamRef;
  center: string;
  budget: number | string;
}
const formOf = (a: ServiceAccount): Form => ({ name: a.name, team: { id: a.team_id, name: a.team_name || a.team_id }, center: a.cost_center, budget: a.budget ?? '' });

function Loaded({ tagged, reload, onGone }: { tagged: Tagged<ServiceAccount>; reload: () => Promise<Tagged<ServiceAccount> | undefined>; onGone: () => void }) {
  const session = useSession();
  const queries = useQueryClient();
  const { base, form: f, setForm: setF, changed, typed, busy, error, setError, take, attempt } = useEdit(tagged, reload, formOf, (a, b, field) => (field === 'team' ? (a as TeamRef).id === (b as TeamRef).id : a === b));
  const [act, setAct] = useState<'suspend' | 'delete' | null>(null);
  const a = base.data;
  const edits = may(session, 'updateServiceAccount');
  const path = { account_id: a.id };
  const anew = () => void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts'] });
  const patch = async (body: Record<string, unknown>, kept: Partial<Form> = {}) => {
    const { data, response } = await client.PATCH('/v1/admin/service-accounts/{account_id}', { params: { path, header: ifMatch(base) as never }, body: body as never });
    take({ data: data as ServiceAccount, etag: response.headers.get('ETag') }, kept);
    anew();
  };
  const save = () =>
    attempt(async () => {
      const body: Record<string, unknown> = {};
      if (changed.includes('name')) body.name = f.name.trim();
      if (changed.includes('team')) body.team_id = f.team.id;
      if (changed.includes('center')) body.cost_center = f.center.trim();
      if (changed.includes('budget')) body.budget = f.budget === '' ? null : Number(f.budget);
      await patch(body);
      done(`${f.name.trim()} is changed.`);
    });
  const suspended = a.status === 'suspended';
  return (
    <Stack gap="lg">
      <div className={classes.facts}>
        <StatusBadge status={a.status} />
        <Id value={a.id} short />
        <span>
          {a.budget === null ? 'Spends the share of its team alone.' : <>Has used <Credits value={a.used} /> of <Credits value={a.effective_budget} unit={session.organisation.unit} /> in this window.</>}
        </span>
        <Link to={`/requests?user=${a.id}` as '/'}>Its requests</Link>
      </div>
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <Stack gap="md">
          <TextInput label="Name" required maxLength={200} disabled={!edits} value={f.name} onChange={(e) => setF({ ...f, name: e.currentTarget.value })} error={!f.name.trim() ? 'A name is needed.' : undefined} />
          <TeamPicker label="Owned by" description={ownedBy} required value={f.team} onChange={(team) => team && setF({ ...f, team })} />
          <NumberInput label="Budget of its own" description={`In ${session.organisation.unit}, for each window. Empty: the team’s share alone.`} placeholder="none" min={0} max={9e9} allowNegative={false} hideControls disabled={!edits} value={f.budget} onChange={(budget) => setF({ ...f, budget })} />
          <TextInput label="Cost centre" maxLength={100} disabled={!edits} value={f.center} onChange={(e) => setF({ ...f, center: e.currentTarget.value })} />
          {changed.includes('team') && <Alert variant="light">From the next request on it draws on the pool of the other team. What it used stays where it was used.</Alert>}
          {error !== null && <Refused error={error} />}
          {edits && (
            <Button type="submit" loading={busy} disabled={changed.length === 0 || !f.name.trim()} style={{ alignSelf: 'flex-end' }}>
              Save account
            </Button>
          )}
        </Stack>
      </form>
      <AccountKeys account={a} />
      {edits && (
        <div className={classes.end}>
          {suspended ? (
            <Button variant="default" onClick={() => patch({ status: 'active' }, typed).then(() => done('Active again. Its keys work within a second.'), setError)}>
              Reactivate account
            </Button>
          ) : (
            <Button variant="default" onClick={() => setAct('suspend')}>
              Suspend account
            </Button>
          )}
          <Button variant="light" color="red" onClick={() => setAct('delete')}>
            Delete account
          </Button>
        </div>
      )}
      <Confirm
        opened={act === 'suspend'}
        onClose={() => setAct(null)}
        title={`Suspend ${a.name}?`}
        consequences="Requests with its keys are refused within a second; those in flight finish and are charged. Its keys are kept, and its share of the pool is the others’ meanwhile."
        verb="Suspend account"
        danger
        onConfirm={async () => {
          await patch({ status: 'suspended' }, typed);
          done('Suspended. New requests are refused.', { undo: async () => void (await client.PATCH('/v1/admin/service-accounts/{account_id}', { params: { path }, body: { status: 'active' } }), anew()) });
        }}
      />
      <Confirm
        opened={act === 'delete'}
        onClose={() => setAct(null)}
        title={`Delete ${a.name}?`}
        consequences={`Its ${a.active_keys === 1 ? 'key stops' : `${a.active_keys} keys stop`} working within a second, for ever. What it used stays in every figure, and who did this in the audit log.`}
        verb="Delete account"
        danger
        acknowledge="Whatever uses its keys is refused from then on"
        onConfirm={async () => {
          await client.DELETE('/v1/admin/service-accounts/{account_id}', { params: { path, header: ifMatch(base) as never } });
          done(`${a.name} is deleted.`);
          onGone();
          // All but itself, which is not there to be read again.
          void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts'], predicate: (q) => q.queryKey[2] !== 'one' });
        }}
      />
    </Stack>
  );
}
