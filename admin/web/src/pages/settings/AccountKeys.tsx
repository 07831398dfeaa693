import { ActionIcon, Button, Menu, Modal, Select, Stack, TextInput } from '@mantine/core';
import { IconBan, IconDots, IconKey, IconPlus, IconRotate } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, may, useAttempt, useSession, type components } from '@/api';
import { Confirm, EmptyState, ErrorState, KeyOnce, Refused, StatusBadge, Time, done } from '@/components';
import type { ServiceAccount } from './serviceAccount';
import classes from './Settings.module.css';

type Key = components['schemas']['Key'];
type Act = { kind: 'create' } | { kind: 'rotate' | 'revoke'; key: Key };

const label = (k: Key) => `${k.prefix}…${k.last4}`;

/** The keys of a service account: create, replace with an overlap, revoke. */
export function AccountKeys({ account }: { account: ServiceAccount }) {
  const session = useSession();
  const queries = useQueryClient();
  const [act, setAct] = useState<Act | null>(null);
  const path = { account_id: account.id };
  const keys = api.useQuery('get', '/v1/admin/service-accounts/{account_id}/keys', { params: { path } });
  const revoke = api.useMutation('delete', '/v1/admin/service-accounts/{account_id}/keys/{key_id}');
  const anew = () => {
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts/{account_id}/keys'] });
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts'] });
  };
  const rows = keys.data && [...keys.data.data].sort((a, b) => a.status.localeCompare(b.status) || Date.parse(b.created_at) - Date.parse(a.created_at));
  const zone = session.organisation.zone;
  const create = may(session, 'createServiceAccountKey') && (
    <Button variant="light" size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAct({ kind: 'create' })}>
      Create key
    </Button>
  );
  return (
    <section aria-labelledby="account-keys">
      <div className={classes.head}>
        <h3 id="account-keys">Keys</h3>
        {create}
      </div>
      {keys.error ? (
        <ErrorState error={keys.error} what="the keys" retry={() => void keys.refetch()} retrying={keys.isFetching} compact />
      ) : !rows ? (
        <p className="soft" aria-busy="true">
          Loading the keys
        </p>
      ) : rows.length === 0 ? (
        <EmptyState compact icon={IconKey} title="No keys">
          {account.name} cannot send requests before there is one.
        </EmptyState>
      ) : (
        <ul className={classes.plain} aria-label="Keys of this account">
          {rows.map((k) => (
            <li key={k.id} className={classes.item}>
              <div>
                <span className="mono">{label(k)}</span> {k.name}
                <div className="soft">
                  {k.last_used_at ? (
                    <>
                      used <Time at={k.last_used_at} zone={zone} />
                    </>
                  ) : (
                    'never used'
                  )}
                  {k.expires_at && k.status === 'active' && (
                    <>
                      , ends <Time at={k.expires_at} zone={zone} />
                    </>
                  )}
                </div>
              </div>
              <span className={classes.acts}>
                <StatusBadge status={k.status} />
                {k.status === 'active' && may(session, 'revokeServiceAccountKey') && (
                  <Menu position="bottom-end" transitionProps={{ duration: 120 }}>
                    <Menu.Target>
                      <ActionIcon size={28} aria-label={`More for key ${label(k)}`}>
                        <IconDots size={18} />
                      </ActionIcon>
                    </Menu.Target>
                    <Menu.Dropdown>
                      {may(session, 'rotateServiceAccountKey') && (
                        <Menu.Item leftSection={<IconRotate size={16} />} onClick={() => setAct({ kind: 'rotate', key: k })}>
                          Replace key
                        </Menu.Item>
                      )}
                      <Menu.Item color="red" leftSection={<IconBan size={16} />} onClick={() => setAct({ kind: 'revoke', key: k })}>
                        Revoke key
                      </Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      <NewKey account={account} replaced={act?.kind === 'rotate' ? act.key : null} opened={act?.kind === 'create' || act?.kind === 'rotate'} onClose={() => setAct(null)} onMade={anew} />
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
    </section>
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
function NewKey({ account, replaced, opened, onClose, onMade }: { account: ServiceAccount; replaced: Key | null; opened: boolean; onClose: () => void; onMade: () => void }) {
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/admin/service-accounts/{account_id}/keys');
  const rotate = api.useMutation('post', '/v1/admin/service-accounts/{account_id}/keys/{key_id}/rotate');
  const [name, setName] = useState('');
  const [overlap, setOverlap] = useState('86400');
  const made = (create.data as Key | undefined)?.api_key ?? (rotate.data as components['schemas']['KeyRotation'] | undefined)?.key.api_key;
  const error = create.error ?? rotate.error;
  const close = () => {
    create.reset();
    rotate.reset();
    attempt.done();
    setName('');
    setOverlap('86400');
    onClose();
  };
  const submit = () => {
    const header = attempt.headers();
    const body = { name: name.trim() || undefined };
    if (replaced) rotate.mutate({ params: { path: { account_id: account.id, key_id: replaced.id }, header }, body: { ...body, overlap_seconds: Number(overlap) } }, { onSuccess: onMade });
    else create.mutate({ params: { path: { account_id: account.id }, header }, body }, { onSuccess: onMade });
  };
  return (
    <Modal opened={opened} onClose={close} title={made ? 'Save this key' : replaced ? `Replace key ${replaced.prefix}…` : `Create a key for ${account.name}`} size={480} closeOnClickOutside={false} closeOnEscape={!made} withCloseButton={!made} styles={{ title: { fontWeight: 600, fontSize: 16, overflowWrap: 'anywhere' } }}>
      {made ? (
        <KeyOnce value={made} owner={account.name} onDone={close} />
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            submit();
          }}
        >
          <Stack gap="md">
            {replaced && <div>The new key works at once. The old one goes on for the overlap, so that the program can be changed without a refusal.</div>}
            {replaced && <Select label="Overlap" description="How long the old key goes on working." allowDeselect={false} data={overlaps} value={overlap} onChange={(v) => v && setOverlap(v)} />}
            <TextInput label="Name of the key" description={replaced ? "Empty: the old one's." : 'Where it is used, so that it is known when it is revoked.'} placeholder={replaced?.name || 'production'} maxLength={100} value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
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
