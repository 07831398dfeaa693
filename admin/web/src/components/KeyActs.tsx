import { ActionIcon, Button, Menu, Modal, Select, Stack, TextInput } from '@mantine/core';
import { IconBan, IconDots, IconPlus, IconRotate } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useAttempt, type components } from '@/api';
import { done } from '../shell/toast';
import { Confirm, Refused } from './Confirm';
import { KeyOnce } from './KeyOnce';

export type Key = components['schemas']['Key'];

interface Wanted {
  name?: string;
  /** A day as "2026-11-30", or "". */
  lastDay: string;
}

/** What may be done with somebody's keys, and how. What is not there may not be done. */
export interface KeyActs {
  /** Whose keys they are. */
  owner: string;
  create?: (wanted: Wanted, header: { 'Idempotency-Key': string }) => Promise<Key | undefined>;
  rotate?: (key: Key, wanted: Wanted & { overlap: number }, header: { 'Idempotency-Key': string }) => Promise<Key | undefined>;
  revoke?: (key: Key) => Promise<unknown>;
  /** After a change. */
  anew: () => void;
  /** Where days end, for keys that may have a last one. */
  dated?: string;
  /** What else revoking a key does. */
  also?: (key: Key) => ReactNode;
  /** What a key may be called. */
  example: string;
}

/** A key as people tell it from others. */
export const keyLabel = (k: Key) => `${k.prefix}…${k.last4}`;

/** Those that work first, then the newest. */
export const keysInOrder = (keys: Key[]) => [...keys].sort((a, b) => a.status.localeCompare(b.status) || Date.parse(b.created_at) - Date.parse(a.created_at));

/** Create, replace with an overlap, revoke: the button, the menu of a key, and the dialogs that they open. */
export function useKeyActs(acts: KeyActs): { button: ReactNode; menu: (key: Key) => ReactNode; dialogs: ReactNode } {
  const [act, setAct] = useState<'create' | { kind: 'rotate' | 'revoke'; key: Key } | null>(null);
  const close = () => setAct(null);
  const revoked = act !== null && act !== 'create' && act.kind === 'revoke' ? act.key : null;
  const replaced = act !== null && act !== 'create' && act.kind === 'rotate' ? act.key : null;
  return {
    button: acts.create && (
      <Button variant="light" size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAct('create')}>
        Create key
      </Button>
    ),
    menu: (key) =>
      key.status === 'active' &&
      acts.revoke && (
        <Menu position="bottom-end" transitionProps={{ duration: 120 }}>
          <Menu.Target>
            <ActionIcon size={28} aria-label={`More for key ${keyLabel(key)}`}>
              <IconDots size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {acts.rotate && (
              <Menu.Item leftSection={<IconRotate size={16} />} onClick={() => setAct({ kind: 'rotate', key })}>
                Replace key
              </Menu.Item>
            )}
            <Menu.Item color="red" leftSection={<IconBan size={16} />} onClick={() => setAct({ kind: 'revoke', key })}>
              Revoke key
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    dialogs: (
      <>
        <NewKey acts={acts} replaced={replaced} opened={act === 'create' || replaced !== null} onClose={close} />
        <Confirm
          opened={revoked !== null}
          onClose={close}
          title={revoked ? `Revoke key ${keyLabel(revoked)}?` : ''}
          consequences={
            <>
              Whatever uses it is refused within a second, for ever. Requests in flight finish and are charged.
              {acts.rotate && ' To change a key without a gap, replace it instead.'}
              {revoked && acts.also?.(revoked)}
            </>
          }
          verb="Revoke key"
          danger
          onConfirm={async () => {
            if (!revoked) return;
            await acts.revoke?.(revoked);
            done('Revoked. Requests with this key are refused from now on.');
            acts.anew();
          }}
        />
      </>
    ),
  };
}

const overlaps = [
  { value: '0', label: 'none: it stops at once' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days' },
  { value: '2592000', label: '30 days' },
];

const fresh = { name: '', lastDay: '', overlap: '86400' };

/** Makes a key, or one in another's place; shows it once. */
function NewKey({ acts, replaced, opened, onClose }: { acts: KeyActs; replaced: Key | null; opened: boolean; onClose: () => void }) {
  const attempt = useAttempt();
  const [typed, setTyped] = useState(fresh);
  const [made, setMade] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const close = () => {
    attempt.done();
    setTyped(fresh);
    setMade(null);
    setError(null);
    onClose();
  };
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      const wanted = { name: typed.name.trim() || undefined, lastDay: typed.lastDay };
      const key = replaced ? await acts.rotate?.(replaced, { ...wanted, overlap: Number(typed.overlap) }, attempt.headers()) : await acts.create?.(wanted, attempt.headers());
      setMade(key?.api_key ?? null);
      acts.anew();
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={close} title={made ? 'Save this key' : replaced ? `Replace key ${replaced.prefix}…` : `Create a key for ${acts.owner}`} size={480} closeOnClickOutside={false} closeOnEscape={!made} withCloseButton={!made} styles={{ title: { fontWeight: 600, fontSize: 16, overflowWrap: 'anywhere' } }}>
      {made ? (
        <KeyOnce value={made} owner={acts.owner} onDone={close} />
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            void submit();
          }}
        >
          <Stack gap="md">
            {replaced && <div>The new key works at once. The old one goes on for the overlap, so that whatever uses it can be changed without a refusal.</div>}
            {replaced && <Select label="Overlap" description="How long the old key goes on working." allowDeselect={false} data={overlaps} value={typed.overlap} onChange={(overlap) => overlap && setTyped({ ...typed, overlap })} />}
            <TextInput label="Name" description={replaced ? "Empty: the old one's." : 'What it is for, so that it is known when it is revoked.'} placeholder={replaced?.name || acts.example} maxLength={100} value={typed.name} onChange={(e) => setTyped({ ...typed, name: e.currentTarget.value })} data-autofocus />
            {acts.dated && <TextInput type="date" label="Last day" description={`It stops working after this day in ${acts.dated}. Empty: it does not expire.`} value={typed.lastDay} onChange={(e) => setTyped({ ...typed, lastDay: e.currentTarget.value })} />}
            {error !== null && <Refused error={error} />}
            <Button type="submit" loading={busy} style={{ alignSelf: 'flex-end' }}>
              {replaced ? 'Replace key' : 'Create key'}
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
