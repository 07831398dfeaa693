import { Alert, Button, Group, Modal, NumberInput, Select, Skeleton, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { allows, api, client, ifMatch, Problem, useSession, type components, type Tagged } from '@/api';
import { Credits, ErrorState, Refused, SourceBadge, done } from '@/components';
import { usePeopleAgain } from './again';
import type { Person } from './filters';
import { changesOf, formOf, labels, merge, shown, type Form, type Merge } from './merge';
import { personKey, usePerson } from './person';

/** Changes a person, in a dialog that the address can open. `only` quota is "Adjust quota". */
export function EditUser({ id, onClose, only }: { id: string | null; onClose: () => void; only?: 'quota' }) {
  return (
    <Modal opened={id !== null} onClose={onClose} title={only ? 'Adjust quota' : 'Edit user'} size={480} closeOnClickOutside={false} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      {id && <Loaded id={id} onClose={onClose} only={only} />}
    </Modal>
  );
}

function Loaded({ id, onClose, only }: { id: string; onClose: () => void; only?: 'quota' }) {
  const queries = useQueryClient();
  const person = usePerson(id);
  const [first, setFirst] = useState<Tagged<Person> | null>(null);
  // The form begins with what the server says now, not with what a list showed a minute ago.
  useEffect(() => {
    void queries.refetchQueries({ queryKey: personKey(id), exact: true }).then(() => setFirst(queries.getQueryData<Tagged<Person>>(personKey(id)) ?? null));
  }, [id, queries]);
  if (person.error && !first) return <ErrorState error={person.error} what="this person" retry={() => void person.refetch().then((r) => setFirst(r.data ?? null))} retrying={person.isFetching} compact />;
  if (!first) {
    return (
      <Stack gap="md" aria-busy="true" aria-label="Loading the person">
        <Skeleton height={56} />
        <Skeleton height={56} />
        {!only && <Skeleton height={56} />}
      </Stack>
    );
  }
  return <Fields key={id} first={first} onClose={onClose} only={only} />;
}

function Fields({ first, onClose, only }: { first: Tagged<Person>; onClose: () => void; only?: 'quota' }) {
  const session = useSession();
  const again = usePeopleAgain();
  const [read, setRead] = useState(first);
  const [typed, setTyped] = useState<Form>(() => formOf(first.data));
  const [met, setMet] = useState<Merge | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const departments = api.useQuery('get', '/v1/admin/departments', {}, { enabled: !only, staleTime: 60_000 });
  const p = read.data;
  const changes = changesOf(formOf(p), typed);
  const nothing = Object.keys(changes).length === 0;
  const set = (part: Partial<Form>) => setTyped((t) => ({ ...t, ...part }));
  const path = { user_id: p.id };

  const save = async () => {
    if (nothing) return onClose();
    setBusy(true);
    setError(null);
    try {
      const body: components['schemas']['UserUpdate'] = {};
      if (changes.name !== undefined) body.name = changes.name.trim();
      if (changes.email !== undefined) body.email = changes.email.trim();
      if (changes.quota !== undefined) body.personal_quota = changes.quota === '' ? null : Number(changes.quota);
      if (changes.department !== undefined) body.department_id = changes.department;
      if (changes.role !== undefined) body.access_role = changes.role;
      await client.PATCH('/v1/admin/users/{user_id}', { params: { path, header: ifMatch(read) }, body });
      again();
      done(`${typed.name} is changed: ${(Object.keys(changes) as (keyof Form)[]).map((f) => labels[f].toLowerCase()).join(', ')}.`);
      onClose();
    } catch (e) {
      if (e instanceof Problem && e.conflicts) await meet(e);
      else setError(e);
    } finally {
      setBusy(false);
    }
  };
  // Somebody else was faster. What was typed stays, and what they did is shown before it could be overwritten.
  const meet = async (refusal: unknown) => {
    try {
      const { data, response } = await client.GET('/v1/admin/users/{user_id}', { params: { path } });
      const now = { data: data as Person, etag: response.headers.get('ETag') };
      const m = merge(formOf(p), typed, formOf(now.data));
      setRead(now);
      setTyped(m.typed);
      setMet(m);
    } catch {
      setError(refusal);
    }
  };
  const param = error instanceof Problem ? error.param : null;
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      <Stack gap="md">
        {met && (
          <Alert role="alert" color="yellow" variant="light" title="Somebody else changed this person in the meantime">
            {met.taken.length > 0 && <div>Taken over from them: {met.taken.map((f) => (f === 'department' ? 'department' : `${labels[f].toLowerCase()} ${shown(f, met.typed[f])}`)).join(', ')}.</div>}
            {met.clashes.map((c) => (
              <div key={c.field}>
                {labels[c.field]}: they set {c.theirs}, you typed {c.mine}.{' '}
                <Button size="compact-xs" variant="light" onClick={() => { set({ [c.field]: formOf(p)[c.field] }); setMet({ ...met, clashes: met.clashes.filter((x) => x.field !== c.field), taken: [...met.taken, c.field], typed: { ...met.typed, [c.field]: formOf(p)[c.field] } }); }}>
                  Take theirs
                </Button>
              </div>
            ))}
            {met.clashes.length === 0 && met.taken.length === 0 && <div>What they changed is not on this form.</div>}
            <div>Nothing of yours is saved yet. Check it, then save again.</div>
          </Alert>
        )}
        {!only && (
          <>
            <TextInput label="Name" required maxLength={200} value={typed.name} onChange={(e) => set({ name: e.currentTarget.value })} error={!typed.name.trim() ? 'A name is needed.' : param === 'name' ? (error as Problem).message : null} data-autofocus />
            <TextInput label="Email" type="email" required maxLength={254} value={typed.email} onChange={(e) => set({ email: e.currentTarget.value })} error={!/^[^@\s]+@[^@\s]+$/.test(typed.email.trim()) ? 'An address looks like user@company.com.' : param === 'email' ? (error as Problem).message : null} />
          </>
        )}
        {only && (
          <div>
            {p.name} may use <Credits value={p.effective_quota} unit={session.organisation.unit} /> in this window (<SourceBadge source={p.source} />
            {', '}with what was given and received) and has used <Credits value={p.used_tokens} />.
          </div>
        )}
        <NumberInput
          label="Quota"
          description={`${session.organisation.unit} for each window, from now on. Empty inherits the default of the team or organisation; 0 blocks.`}
          placeholder="inherits"
          min={0}
          max={9e9}
          allowNegative={false}
         
          hideControls
          value={typed.quota}
          onChange={(quota) => set({ quota })}
          error={param === 'personal_quota' ? (error as Problem).message : null}
          data-autofocus={only ? true : undefined}
        />
        {only && typed.quota !== '' && Number(typed.quota) < (p.used_tokens ?? 0) && (
          <Alert color="yellow" variant="light" title="That is less than what is used already">
            The next request of {p.name} is paid by a team's pool, or refused, until the window ends.
          </Alert>
        )}
        {!only && (departments.data?.data.length ?? 0) > 0 && (
          <Select label="Department" clearable searchable placeholder="none" data={departments.data!.data.map((d) => ({ value: d.id, label: d.name }))} value={typed.department} onChange={(department) => set({ department })} />
        )}
        {!only && allows(session, 'owner') && p.id !== session.user.id && (
          <Select
            label="Role"
            description="Admins manage everybody; owners also give roles."
            allowDeselect={false}
            data={[{ value: 'member', label: 'Member' }, { value: 'admin', label: 'Admin' }, { value: 'owner', label: 'Owner' }]}
            value={typed.role}
            onChange={(role) => role && set({ role: role as Form['role'] })}
          />
        )}
        {error !== null && <Refused error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} disabled={busy}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={nothing || !typed.name.trim()}>
            {only ? 'Adjust quota' : 'Save user'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
