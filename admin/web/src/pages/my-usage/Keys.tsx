import { ActionIcon, Button, Menu, Modal, Skeleton, Stack, TextInput } from '@mantine/core';
import { IconBan, IconDots, IconKey, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, may, useAttempt, useSession, type components } from '@/api';
import { Card, Confirm, EmptyState, ErrorState, KeyOnce, Refused, StatusBadge, Time, done } from '@/components';
import classes from './MyUsage.module.css';

type Key = components['schemas']['Key'];

/** My keys: create one, which is shown once, and revoke those that are not used any more. */
export function Keys() {
  const session = useSession();
  const queries = useQueryClient();
  const keys = api.useQuery('get', '/v1/users/me/keys');
  const revoke = api.useMutation('delete', '/v1/users/me/keys/{key_id}');
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const rows = [...(keys.data?.data ?? [])].sort((a, b) => a.status.localeCompare(b.status) || Date.parse(b.created_at) - Date.parse(a.created_at));
  const anew = () => void queries.invalidateQueries({ queryKey: ['get', '/v1/users/me/keys'] });
  return (
    <Card
      title="My keys"
      actions={
        may(session, 'createMyKey') && (
          <Button variant="light" size="xs" leftSection={<IconPlus size={15} />} onClick={() => setCreating(true)}>
            Create key
          </Button>
        )
      }
    >
      {keys.isPending ? (
        <Skeleton height={120} />
      ) : keys.error ? (
        <ErrorState error={keys.error} what="your keys" retry={() => void keys.refetch()} compact />
      ) : rows.length === 0 ? (
        <EmptyState compact icon={IconKey} title="No keys">
          A key signs your requests. It is shown once, when it is made.
        </EmptyState>
      ) : (
        <ul className={classes.plain}>
          {rows.map((k) => (
            <li key={k.id} className={classes.item}>
              <div>
                <div>
                  <span className="mono">
                    {k.prefix}…{k.last4}
                  </span>{' '}
                  {k.name}
                  {k.prefix === session.key.prefix && <span className="soft"> · signed in with it</span>}
                </div>
                <div className="soft">
                  last used <Time at={k.last_used_at} zone={session.window.zone} />
                  {k.expires_at && (
                    <>
                      {' · expires '}
                      <Time at={k.expires_at} zone={session.window.zone} />
                    </>
                  )}
                </div>
              </div>
              {k.status === 'active' && may(session, 'revokeMyKey') ? (
                <Menu position="bottom-end" transitionProps={{ duration: 120 }}>
                  <Menu.Target>
                    <ActionIcon size={28} aria-label={`More for key ${k.prefix}`}>
                      <IconDots size={18} />
                    </ActionIcon>
                  </Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item color="red" leftSection={<IconBan size={16} />} onClick={() => setRevoking(k)}>
                      Revoke key
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              ) : (
                <StatusBadge status={k.status} />
              )}
            </li>
          ))}
        </ul>
      )}
      <Create opened={creating} onClose={() => setCreating(false)} onCreated={anew} />
      <Confirm
        opened={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke key ${revoking?.prefix ?? ''}…?`}
        consequences={
          <>
            Whatever uses it is refused within a second, for ever. Requests that are running end as they would have.
            {revoking?.prefix === session.key.prefix && ' You are signed in with this key, so your session ends too.'}
          </>
        }
        verb="Revoke key"
        danger
        onConfirm={async () => {
          await revoke.mutateAsync({ params: { path: { key_id: revoking!.id } } });
          done('Revoked. Requests with this key are refused from now on.');
          anew();
        }}
      />
    </Card>
  );
}

function Create({ opened, onClose, onCreated }: { opened: boolean; onClose: () => void; onCreated: () => void }) {
  const session = useSession();
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/users/me/keys');
  const [name, setName] = useState('');
  const made = create.data?.api_key;
  const close = () => {
    create.reset();
    setName('');
    attempt.done();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={made ? 'Save this key' : 'Create key'} size={480} closeOnClickOutside={!made} closeOnEscape={!made} withCloseButton={!made} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      {made ? (
        <KeyOnce value={made} owner={session.user.name} onDone={close} />
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            create.mutate({ body: { name: name.trim() || undefined }, headers: attempt.headers() } as never, { onSuccess: onCreated });
          }}
        >
          <Stack gap="md">
            <TextInput label="Name" description="What it is for, so that you know it when you revoke it." placeholder="laptop" value={name} maxLength={100} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
            {create.error !== null && <Refused error={create.error} />}
            <Button type="submit" loading={create.isPending} style={{ alignSelf: 'flex-end' }}>
              Create key
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
