import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { Problem } from '../api/problem';

/** Says what was done, and how to undo it where that is possible. */
export function done(message: string, options?: { undo?: () => void | Promise<void> }): void {
  const id = crypto.randomUUID();
  const undo = options?.undo;
  notifications.show({
    id,
    icon: <IconCheck size={16} />,
    color: 'teal',
    autoClose: undo ? 12_000 : 6_000,
    withBorder: true,
    closeButtonProps: { 'aria-label': 'Close' },
    message: undo ? (
      <span style={{ display: 'flex', alignItems: 'center', gap: 12, justifyContent: 'space-between' }}>
        <span>{message}</span>
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => {
            notifications.hide(id);
            void undo();
          }}
        >
          Undo
        </Button>
      </span>
    ) : (
      message
    ),
  });
}

/** Says what was not done and why, with the id to ask about. */
export function failed(what: string, error: unknown): void {
  const p = error instanceof Problem ? error : null;
  notifications.show({
    icon: <IconAlertTriangle size={16} />,
    color: 'red',
    autoClose: 15_000,
    withBorder: true,
    title: what,
    closeButtonProps: { 'aria-label': 'Close' },
    message: (
      <>
        {error instanceof Error ? error.message : String(error)} {p?.remedy}
        {p?.requestId && <div className="mono soft">{p.requestId}</div>}
      </>
    ),
  });
}
