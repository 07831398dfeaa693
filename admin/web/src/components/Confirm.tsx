import { Alert, Button, Checkbox, Group, Modal, Stack } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Problem } from '../api/problem';

interface Props {
  opened: boolean;
  onClose: () => void;
  /** The act as a question: "Suspend Ada Lovelace?" */
  title: string;
  /** What happens, to whom, and what stays. */
  consequences: ReactNode;
  /** A verb with its object: "Suspend user". */
  verb: string;
  danger?: boolean;
  /** What must be understood first, as a sentence to tick. */
  acknowledge?: string;
  onConfirm: () => Promise<unknown>;
}

/** Says the consequences before, and stays open with the reason when the server says no. */
export function Confirm({ opened, onClose, title, consequences, verb, danger, acknowledge, onConfirm }: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [ticked, setTicked] = useState(false);
  const close = () => {
    setError(null);
    setTicked(false);
    onClose();
  };
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      close();
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={close} title={title} size={480} closeOnClickOutside={!busy} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <Stack gap="md">
        <div>{consequences}</div>
        {acknowledge && <Checkbox label={acknowledge} checked={ticked} onChange={(e) => setTicked(e.currentTarget.checked)} />}
        {error !== null && <Refused error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close} disabled={busy} data-autofocus>
            Cancel
          </Button>
          <Button color={danger ? 'red.8' : undefined} onClick={() => void act()} loading={busy} disabled={acknowledge !== undefined && !ticked}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** What the server said no with, inside a form or dialog. */
export function Refused({ error }: { error: unknown }) {
  const p = error instanceof Problem ? error : null;
  return (
    <Alert role="alert" color="red" variant="light" title={p?.conflicts ? 'Somebody else changed this in the meantime' : 'That did not work'}>
      {error instanceof Error ? error.message : String(error)} {p?.remedy}
      {p?.requestId && <div className="mono">{p.requestId}</div>}
    </Alert>
  );
}
