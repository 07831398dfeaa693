import { ActionIcon, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';

/** Copies a value. `what` is said to a screen reader: "Copy the request id". */
export function CopyButton({ value, what, size = 24 }: { value: string; what: string; size?: number }) {
  const clipboard = useClipboard({ timeout: 1500 });
  const label = clipboard.copied ? 'Copied' : `Copy the ${what}`;
  return (
    <Tooltip label={label}>
      <ActionIcon size={size} onClick={() => clipboard.copy(value)} aria-label={label}>
        {clipboard.copied ? <IconCheck size={14} color="var(--a-ok)" /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}
