import { Alert, Button, FileButton, Group, Modal, Stack, Textarea } from '@mantine/core';
import { IconDownload, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { download } from '@/components';
import { count, number } from '@/format';
import { useJobFlow } from './jobs';
import { JobSteps } from './JobSteps';
import classes from './Jobs.module.css';

const sample = 'email,name,personal_quota,team,access_role\r\nuser@company.com,New User,5000,Engineering,member\r\n';
const most = 1_000_000;

/** Adds and changes people from a file, after showing line by line what it would do. */
export function ImportPeople({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Import people from CSV" size={820} closeOnClickOutside={false} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      {opened && <Body onClose={onClose} />}
    </Modal>
  );
}

function Body({ onClose }: { onClose: () => void }) {
  const flow = useJobFlow();
  const [text, setText] = useState('');
  const [name, setName] = useState<string | null>(null);
  const lines = text.split('\n').filter((l) => l.trim()).length;
  const wrong = problemOf(text);
  if (flow.step !== 'form' || flow.error !== null) {
    return <JobSteps flow={flow} verbs={{ will: 'will be added or changed', did: 'added or changed' }} apply={(n) => `Import ${count(n, 'person', 'people')}`} onClose={onClose} />;
  }
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        if (text.trim() && !wrong) flow.check({ kind: 'import_people', csv: text });
      }}
    >
      <Stack gap="md">
        <div>
          The first line names the columns: <code className="mono">email</code> and any of <code className="mono">name</code>, <code className="mono">personal_quota</code>, <code className="mono">department</code>, <code className="mono">team</code>, <code className="mono">access_role</code>,{' '}
          <code className="mono">max_priority</code>. An address that is known is changed, another one is added; nobody is deleted.
        </div>
        <Group gap="xs">
          <FileButton
            accept=".csv,text/csv,text/plain"
            onChange={(file) => {
              if (!file) return;
              setName(file.name);
              void file.text().then(setText);
            }}
          >
            {(props) => (
              <Button {...props} variant="light" leftSection={<IconUpload size={16} aria-hidden />}>
                Choose a file
              </Button>
            )}
          </FileButton>
          <Button variant="subtle" color="gray" leftSection={<IconDownload size={16} aria-hidden />} onClick={() => download('people-sample.csv', sample)}>
            Download a sample
          </Button>
          {name && <span className="soft truncate">{name}</span>}
        </Group>
        <Textarea className={classes.paste} label="Or paste the lines" autosize minRows={6} maxRows={14} spellCheck={false} placeholder={sample.replaceAll('\r', '')} value={text} onChange={(e) => { setText(e.currentTarget.value); setName(null); }} data-autofocus />
        {wrong && text.trim() !== '' && (
          <Alert color="yellow" variant="light" role="alert">
            {wrong}
          </Alert>
        )}
        <Group justify="space-between" gap="xs">
          <span className="soft num">{text.trim() ? `${count(Math.max(lines - 1, 0), 'person', 'people')} in the file. Nothing is changed yet.` : 'Nothing is changed before you have seen what it does.'}</span>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!text.trim() || wrong !== null} loading={flow.starting}>
              See what changes
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

/** What makes a file useless before it is sent; null when nothing does. */
export function problemOf(text: string): string | null {
  if (text.length > most) return `The file has ${number(text.length)} characters, at most ${number(most)} go at once. Split it.`;
  const head = (text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? '').split(/[,;\t]/).map((c) => c.trim().toLowerCase().replace(/^"|"$/g, ''));
  if (!head.includes('email')) return 'The first line must name a column “email”.';
  return null;
}
