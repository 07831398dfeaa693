import { ActionIcon, Button, Menu, Modal, Select, Stack, TextInput } from '@mantine/core';
import { IconBan, IconDots, IconKey, IconPlus, IconRotate } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, may, useAttempt, useSession, type components } from '@/api';
import { Confirm, DataTable, EmptyState, Export, KeyOnce, Refused, StatusBadge, Time, done } from '@/components';
import { endOfDay } from '../day';
import type { Person } from '../filters';
import classes from './User.module.css';

type Key = components['schemas']['Key'];
type Act = { kind: 'create' } | { kind: 'rotate' | 'revoke'; key: Key };

/** A person's keys: create, replace with an overlap, revoke. */
export function Keys({ person }: { person: Person }) {
  const session = useSession();
  const queries = useQueryClient();
  const [act, setAct] = useState<Act | null>(null);
  const path = { user_id: person.id };
  const keys = api.useQuery('get', '/v1/admin/users/{user_id}/keys', { params: { path } });
  const revoke = api.useMutation('delete', '/v1/admin/users/{user_id}/keys/{key_id}');
  const rows = keys.data && [...keys.data.data].sort((a, b) => a.status.localeCompare(b.status) || Date.parse(b.created_at) - Date.parse(a.created_at));
  const anew = () => void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/users/{user_id}/keys'] });
  const { zone } = session.window;
  const label = (k: Key) => `${k.prefix}…${k.last4}`;
  const create = may(session, 'createUserKey') && (
    <Button variant="light" size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAct({ kind: 'create' })}>
      Create key
    </Button>
  );
  return (
    <>
      <div className={classes.head}>
        <span className="soft">Whoever has a key spends this person's quota. A key is shown once, when it is made.</span>
        <span className={classes.head} style={{ margin: 0 }}>
          {create}
          <Export what="keys" request={{ path: `/v1/admin/users/${person.id}/keys` }} rows={() => ({ head: ['Key', 'Name', 'Status', 'Created', 'Last used', 'Expires'], rows: (rows ?? []).map((k) => [label(k), k.name, k.status, k.created_at, k.last_used_at, k.expires_at]) })} />
        </span>
      </div>
      <DataTable<Key>
        label="Keys"
        rows={rows}
        loading={keys.isFetching && !rows}
        error={keys.error}
        retry={() => void keys.refetch()}
        idOf={(k) => k.id}
        minRows={2}
        columns={[
          { id: 'key', title: 'Key', cell: (k) => <span className={classes.wrap}><span className="mono">{label(k)}</span> {k.name}</span> },
          { id: 'status', title: 'Status', width: 120, cell: (k) => <StatusBadge status={k.status} /> },
          { id: 'used', title: 'Last used', width: 140, from: 'tablet', cell: (k) => <Time at={k.last_used_at} zone={zone} /> },
          { id: 'created', title: 'Created', width: 140, from: 'desktop', cell: (k) => <Time at={k.created_at} zone={zone} /> },
          { id: 'expires', title: 'Expires', width: 140, from: 'desktop', cell: (k) => <Time at={k.expires_at} zone={zone} /> },
          {
            id: 'acts',
            title: '',
            width: 56,
            cell: (k) =>
              k.status === 'active' && may(session, 'revokeUserKey') ? (
                <Menu position="bottom-end" transitionProps={{ duration: 120 }}>
                  <Menu.Target>
                    <ActionIcon size={28} aria-label={`More for key ${label(k)}`}>
                      <IconDots size={18} />
                    </ActionIcon>
                  </Menu.Target>
                  <Menu.Dropdown>
                    {may(session, 'rotateUserKey') && (
                      <Menu.Item leftSection={<IconRotate size={16} />} onClick={() => setAct({ kind: 'rotate', key: k })}>
                        Replace key
                      </Menu.Item>
                    )}
                    <Menu.Item color="red" leftSection={<IconBan size={16} />} onClick={() => setAct({ kind: 'revoke', key: k })}>
                      Revoke key
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              ) : null,
          },
        ]}
        empty={<EmptyState compact icon={IconKey} title="No keys" action={create}>{person.name} cannot send requests before there is one.</EmptyState>}
      />
      <NewKey person={person} replaced={act?.kind === 'rotate' ? act.key : null} opened={act?.kind === 'create' || act?.kind === 'rotate'} onClose={() => setAct(null)} onMade={anew} />
      <Confirm
        opened={act?.kind === 'revoke'}
        onClose={() => setAct(null)}
        title={act?.kind === 'revoke' ? `Revoke key ${label(act.key)}?` : ''}
        consequences="Whatever uses it is refused within a second, for ever. Requests in flight finish and are charged. To change a key without a gap, replace it instead."
        verb="Revoke key"
        danger
        onConfirm={async () => {
          if (act?.kind !== 'revoke') return;
          await revoke.mutateAsync({ params: { path: { ...path, key_id: act.key.id } } });
          done('Revoked. Requests with this key are refused from now on.');
          anew();
        }}
      />
    </>
  );
}

const overlaps = [
  { value: '0', label: 'none: it stops at once' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days' },
  { value: '2592000', label: '30 days' },
];

/** Makes a key, or one in another's place; shows it once. */
function NewKey({ person, replaced, opened, onClose, onMade }: { person: Person; replaced: Key | null; opened: boolean; onClose: () => void; onMade: () => void }) {
  const session = useSession();
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/admin/users/{user_id}/keys');
  const rotate = api.useMutation('post', '/v1/admin/users/{user_id}/keys/{key_id}/rotate');
  const [name, setName] = useState('');
  const [expires, setExpires] = useState('');
  const [overlap, setOverlap] = useState('86400');
  const made = (create.data as Key | undefined)?.api_key ?? (rotate.data as components['schemas']['KeyRotation'] | undefined)?.key.api_key;
  const error = create.error ?? rotate.error;
  const close = () => {
    create.reset();
    rotate.reset();
    attempt.done();
    setName('');
    setExpires('');
    setOverlap('86400');
    onClose();
  };
  const submit = () => {
    const header = attempt.headers();
    const body = { name: name.trim() || undefined, expires_at: expires ? endOfDay(expires, session.window.zone) : null };
    if (replaced) rotate.mutate({ params: { path: { user_id: person.id, key_id: replaced.id }, header }, body: { ...body, overlap_seconds: Number(overlap) } }, { onSuccess: onMade });
    else create.mutate({ params: { path: { user_id: person.id }, header }, body }, { onSuccess: onMade });
  };
  return (
    <Modal opened={opened} onClose={close} title={made ? 'Save this key' : replaced ? `Replace key ${replaced.prefix}…` : `Create a key for ${person.name}`} size={480} closeOnClickOutside={false} closeOnEscape={!made} withCloseButton={!made} styles={{ title: { fontWeight: 600, fontSize: 16, overflowWrap: 'anywhere' } }}>
      {made ? (
        <KeyOnce value={made} owner={person.name} onDone={close} />
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            submit();
          }}
        >
          <Stack gap="md">
            {replaced && <div>The new key works at once. The old one goes on for the overlap, so that whatever uses it can be changed without a refusal.</div>}
            {replaced && <Select label="Overlap" description="How long the old key goes on working." allowDeselect={false} data={overlaps} value={overlap} onChange={(v) => v && setOverlap(v)} />}
            <TextInput label="Name" description={replaced ? "Empty: the old one's." : 'What it is for, so that it is known when it is revoked.'} placeholder={replaced?.name || 'laptop'} maxLength={100} value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
            <TextInput type="date" label="Last day" description={`It stops working after this day in ${session.window.zone}. Empty: it does not expire.`} value={expires} onChange={(e) => setExpires(e.currentTarget.value)} />
            {error !== null && <Refused error={error} />}
            <Button type="submit" loading={create.isPending || rotate.isPending} style={{ alignSelf: 'flex-end' }}>
              {replaced ? 'Replace key' : 'Create key'}
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
