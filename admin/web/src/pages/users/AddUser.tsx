import { Button, Collapse, Group, Modal, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { allows, api, Problem, useAttempt, useSession, type components } from '@/api';
import { KeyOnce, Refused, TeamPicker, type TeamRef } from '@/components';
import { usePeopleAgain } from './again';
import type { Role } from './filters';

type Typed = { name: string; email: string; quota: string | number; team: TeamRef | null; role: Role };

const empty: Typed = { name: '', email: '', quota: '', team: null, role: 'member' };

/** What is wrong with a field, in words; null when nothing is. */
export function wrong(field: keyof Typed, t: Typed): string | null {
  switch (field) {
    case 'name':
      return t.name.trim() ? null : 'A name is needed, so that others know who it is.';
    case 'email':
      return /^[^@\s]+@[^@\s]+$/.test(t.email.trim()) ? null : 'An address looks like user@company.com.';
    case 'quota':
      return t.quota === '' || (Number(t.quota) >= 0 && Number(t.quota) <= 9e9) ? null : 'Between 0 and 9,000,000,000 credits.';
    default:
      return null;
  }
}

/** Adds a person: name, address, quota; then shows the key, once. */
export function AddUser({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const session = useSession();
  const again = usePeopleAgain();
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/admin/users');
  const [typed, setTyped] = useState(empty);
  const [left, setLeft] = useState<Partial<Record<keyof Typed, true>>>({});
  const [more, setMore] = useState(false);
  const made = create.data as components['schemas']['User'] | undefined;

  const close = () => {
    onClose();
    if (!made) return; // what was typed is still there when it is opened again
    create.reset();
    attempt.done();
    setTyped(empty);
    setLeft({});
  };
  const field = (name: 'name' | 'email') => ({
    value: typed[name],
    onChange: (e: React.ChangeEvent<HTMLInputElement>) => {
      const value = e.currentTarget.value;
      attempt.done(); // something else is asked now
      setTyped((t) => ({ ...t, [name]: value }));
    },
    onBlur: () => typed[name] && setLeft((l) => ({ ...l, [name]: true })),
    error: said(name),
  });
  const said = (name: keyof Typed) => {
    const e = create.error as unknown;
    const param = e instanceof Problem ? e.param : null;
    if (param && param === (name === 'quota' ? 'personal_quota' : name)) return (e as Problem).message;
    return left[name] ? wrong(name, typed) : null;
  };
  const submit = () => {
    const fields = ['name', 'email', 'quota'] as const;
    setLeft({ name: true, email: true, quota: true });
    const bad = fields.find((f) => wrong(f, typed));
    if (bad) {
      document.querySelector<HTMLElement>(`[data-field="${bad}"]`)?.focus();
      return;
    }
    const body: components['schemas']['UserCreate'] = { name: typed.name.trim(), email: typed.email.trim(), personal_quota: typed.quota === '' ? null : Number(typed.quota) };
    if (typed.team) body.team_id = typed.team.id;
    if (typed.role !== 'member') body.access_role = typed.role;
    create.mutate({ params: { header: attempt.headers() }, body }, { onSuccess: again });
  };
  return (
    <Modal opened={opened} onClose={close} title={made ? `${made.name} is added` : 'Add User'} size={480} closeOnClickOutside={false} closeOnEscape={!made} withCloseButton={!made} styles={{ title: { fontWeight: 600, fontSize: 16, overflowWrap: 'anywhere' } }}>
      {made ? (
        made.api_key ? (
          <KeyOnce value={made.api_key} owner={made.name} onDone={close} />
        ) : (
          <Stack gap="md">
            <div>{made.name} had been added by an attempt before whose answer got lost, and the key with it. Create a new key on the page of {made.name}.</div>
            <Button onClick={close}>Done</Button>
          </Stack>
        )
      ) : (
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            submit();
          }}
        >
          <Stack gap="md">
            <TextInput label="Name" required maxLength={200} autoComplete="off" data-autofocus data-field="name" {...field('name')} />
            <TextInput label="Email" type="email" required maxLength={254} autoComplete="off" description="How colleagues find this person when they give credits." data-field="email" {...field('email')} />
            <NumberInput
              label="Quota"
              description={`${cap(session.organisation.unit)} for each window. Empty inherits the default of the team or organisation; 0 blocks.`}
              placeholder="inherits"
              min={0}
              max={9e9}
              allowNegative={false}
             
              hideControls
              value={typed.quota}
              onChange={(quota) => {
                attempt.done();
                setTyped((t) => ({ ...t, quota }));
              }}
              onBlur={() => setLeft((l) => ({ ...l, quota: true }))}
              error={said('quota')}
              data-field="quota"
            />
            <Collapse expanded={more}>
              <Stack gap="md">
                <TeamPicker label="First team" description="Whose pool pays when the own quota is used up." placeholder="none" value={typed.team} onChange={(team) => setTyped((t) => ({ ...t, team }))} />
                {allows(session, 'owner') && (
                  <Select label="Role" description="Admins manage everybody; owners also give roles." allowDeselect={false} data={[{ value: 'member', label: 'Member' }, { value: 'admin', label: 'Admin' }, { value: 'owner', label: 'Owner' }]} value={typed.role} onChange={(role) => role && setTyped((t) => ({ ...t, role: role as Role }))} />
                )}
              </Stack>
            </Collapse>
            {create.error !== null && <Refused error={create.error} />}
            <Group justify="space-between">
              <Button variant="subtle" color="gray" aria-expanded={more} onClick={() => setMore(!more)}>
                {more ? 'Less' : 'Team and role'}
              </Button>
              <Group gap="xs">
                <Button variant="default" onClick={close} disabled={create.isPending}>
                  Cancel
                </Button>
                <Button type="submit" loading={create.isPending}>
                  Add User
                </Button>
              </Group>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function cap(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
