import { ActionIcon, Alert, Button, Group, Modal, NumberInput, Select, Stack, Textarea } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { client, Problem, useAttempt, useSession } from '@/api';
import { Credits, done, PersonPicker, Refused, TeamPicker } from '@/components';
import { count, date, number, signed } from '@/format';
import { bodyOf, effectsOf, missing, sumOf, type Effect, type Entry } from './balance';
import classes from './Reallocation.module.css';

const line = (): Entry & { key: string } => ({ key: crypto.randomUUID(), kind: 'person', person: null, team: null, amount: '' });

/** Moves credits between others: what is taken and what is given add up to 0, and who is touched is shown before it happens. */
export function Reallocate({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const queries = useQueryClient();
  const attempt = useAttempt();
  const first = useRef([line(), line()]);
  const [entries, setEntries] = useState(first.current);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [preview, setPreview] = useState<Effect[] | null>(null);
  const change = (key: string, more: Partial<Entry>) => {
    setEntries((all) => all.map((e) => (e.key === key ? { ...e, ...more } : e)));
    setProblem(null);
  };
  const sum = sumOf(entries);
  const named = (subject: string) => entries.find((e) => e.person?.id === subject)?.person?.name ?? entries.find((e) => e.team?.id === subject)?.team?.name ?? subject;

  const look = async () => {
    const why = missing(entries, reason);
    setProblem(why);
    if (why) return;
    setBusy(true);
    setError(null);
    try {
      const { data } = await client.POST('/v1/admin/reallocations', { params: { query: { dry_run: true } }, body: bodyOf(entries, reason) });
      setPreview(effectsOf((data as unknown as { changes: Parameters<typeof effectsOf>[0] }).changes));
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const move = async () => {
    setBusy(true);
    setError(null);
    try {
      await client.POST('/v1/admin/reallocations', { params: { header: attempt.headers() }, body: bodyOf(entries, reason) });
      const moved = entries.reduce((n, e) => n + Math.max(0, Number(e.amount)), 0);
      done(`Moved ${number(moved)} ${session.organisation.unit} between ${number(entries.length)}.`);
      void queries.invalidateQueries({ predicate: (q) => String(q.queryKey[1] ?? '').startsWith('/v1/') || q.queryKey[0] === 'team' });
      onClose();
    } catch (e) {
      if (e instanceof Problem && !e.transient) attempt.done();
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title="Reallocate credits" size={620} closeOnClickOutside={false} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      {preview ? (
        <Stack gap="md">
          <div>
            This moves credits of {count(preview.length || entries.length, 'quota or pool', 'quotas and pools')} at once, or of none.
            {session.window.end && ` It holds until ${date(session.window.end, session.window.zone)}.`}
          </div>
          <table className={classes.preview}>
            <thead>
              <tr>
                <th scope="col">Who</th>
                <th scope="col">Available now</th>
                <th scope="col">Change</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {preview.map((e) => (
                <tr key={e.subject}>
                  <td>{named(e.subject)}</td>
                  <td>
                    <Credits value={e.before} />
                  </td>
                  <td>{signed(e.amount)}</td>
                  <td>
                    <strong>
                      <Credits value={e.after} />
                    </strong>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <div className="soft">Reason: {reason}</div>
          {error !== null && <Refused error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button
              variant="default"
              disabled={busy}
              onClick={() => {
                setPreview(null);
                setError(null);
              }}
            >
              Back
            </Button>
            <Button loading={busy} onClick={() => void move()} data-autofocus>
              Move {number(entries.reduce((n, e) => n + Math.max(0, Number(e.amount)), 0))} credits
            </Button>
          </Group>
        </Stack>
      ) : (
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void look();
          }}
        >
          <Stack gap="sm">
            <div className="soft">Below 0 it is taken, above 0 it is given. Both together have to be the same.</div>
            {entries.map((e, i) => (
              <div key={e.key} className={classes.entry} role="group" aria-label={`Line ${i + 1}`}>
                <div>
                <Select
                  aria-label="Quota or pool"
                  allowDeselect={false}
                  data={[
                    { value: 'person', label: 'Person' },
                    { value: 'team', label: 'Team' },
                  ]}
                  value={e.kind}
                  onChange={(kind) => change(e.key, { kind: kind as Entry['kind'] })}
                />
                </div>
                <div>
                {e.kind === 'person' ? (
                  <PersonPicker quiet label="Person" value={e.person} onChange={(person) => change(e.key, { person })} autoFocus={i === 0} />
                ) : (
                  <TeamPicker quiet label="Team" value={e.team} onChange={(team) => change(e.key, { team })} />
                )}
                </div>
                <NumberInput aria-label="Credits, below 0 is taken" placeholder={i === 0 ? '−500' : '500'} hideControls value={e.amount} onChange={(amount) => change(e.key, { amount })} />
                <ActionIcon size={28} aria-label={`Remove line ${i + 1}`} disabled={entries.length <= 2} onClick={() => setEntries((all) => all.filter((x) => x.key !== e.key))}>
                  <IconX size={16} />
                </ActionIcon>
              </div>
            ))}
            <div>
              <Button variant="subtle" size="xs" leftSection={<IconPlus size={14} />} disabled={entries.length >= 100} onClick={() => setEntries((all) => [...all, { ...line(), amount: sum === 0 ? '' : -sum }])}>
                Add a line{sum !== 0 ? ` for ${signed(-sum)}` : ''}
              </Button>
            </div>
            <div className={classes.sum} data-off={sum !== 0 || undefined} aria-live="polite">
              <span>{sum === 0 ? 'Balanced' : sum > 0 ? 'More is given than taken' : 'More is taken than given'}</span>
              <span>Sum {signed(sum)}</span>
            </div>
            <Textarea label="Reason" description="Everybody who is touched and the audit log see it." required maxLength={500} autosize minRows={2} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
            {problem && (
              <Alert role="alert" color="yellow" variant="light">
                {problem}
              </Alert>
            )}
            {error !== null && <Refused error={error} />}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={busy}>
                Preview
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
