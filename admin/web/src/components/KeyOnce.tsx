import { Button, Checkbox, Group, Stack } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy, IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import classes from './KeyOnce.module.css';

/** Shows a key that will not be shown again. Done is possible once the person says that they have saved it. */
export function KeyOnce({ value, owner, onDone }: { value: string; owner: string; onDone: () => void }) {
  const clipboard = useClipboard({ timeout: 3000 });
  const [saved, setSaved] = useState(false);
  return (
    <Stack gap="md">
      <div className={classes.box}>
        <div className={classes.label}>
          <IconKey size={16} aria-hidden /> API key of {owner}
        </div>
        <code className={`mono ${classes.key}`} data-testid="api-key" tabIndex={0}>
          {value}
        </code>
        <Button variant="light" size="xs" onClick={() => clipboard.copy(value)} leftSection={clipboard.copied ? <IconCheck size={16} /> : <IconCopy size={16} />}>
          {clipboard.copied ? 'Copied' : 'Copy key'}
        </Button>
      </div>
      <div>It is shown only now: Alfred keeps a fingerprint of it and cannot show it again. Hand it over by a private way. If it gets lost, create a new one and revoke this one.</div>
      <Checkbox label="I have saved it" checked={saved} onChange={(e) => setSaved(e.currentTarget.checked)} />
      <Group justify="flex-end">
        <Button disabled={!saved} onClick={onDone}>
          Done
        </Button>
      </Group>
    </Stack>
  );
}
