import { Alert, Button, Group, Modal, Stack } from '@mantine/core';
import { IconArrowRight, IconCalendarClock } from '@tabler/icons-react';
import { useSession } from '@/api';
import { absolute } from '@/format';
import { calendarWords, reach, told, valuesOf, words, type Organization, type Values } from './fields';
import classes from './Settings.module.css';

interface Props {
  before: Organization;
  /** What the server says that it would be; null is nothing to review. */
  after: Organization | null;
  touched: (keyof Values)[];
  busy: boolean;
  onClose: () => void;
  onSave: () => void;
}

const calendar: readonly (keyof Values)[] = ['zone', 'window_kind', 'anchor_day', 'week_start', 'fiscal_month'];

/** What changes, from what to what, for whom and from when, before it does. */
export function Review({ before, after, touched, busy, onClose, onSave }: Props) {
  const session = useSession();
  const zone = before.settings.zone ?? 'UTC';
  const was = valuesOf(before);
  const now = after && valuesOf(after);
  const plain = touched.filter((f) => !calendar.includes(f));
  const moves = touched.some((f) => calendar.includes(f));
  const next = after?.settings.next_window;
  return (
    <Modal opened={after !== null} onClose={onClose} title="What changes, and for whom?" size={620} closeOnClickOutside={!busy} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      {after && now && (
        <Stack gap="md">
          <dl className={classes.review}>
            {moves && (
              <div>
                <dt>Window</dt>
                <dd>
                  <span>{calendarWords({ zone, window: before.settings.window! })}</span>
                  <IconArrowRight size={14} aria-label="becomes" />
                  <strong>{calendarWords(next ?? { zone: after.settings.zone!, window: after.settings.window! })}</strong>
                </dd>
                <dd className="soft">Everybody’s quota, every pool and every cap.</dd>
              </div>
            )}
            {plain.map((f) => (
              <div key={f}>
                <dt>{words[f]}</dt>
                <dd>
                  <span>{told(f, was[f])}</span>
                  <IconArrowRight size={14} aria-label="becomes" />
                  <strong>{told(f, now[f])}</strong>
                </dd>
                <dd className="soft">{reach[f]}</dd>
              </div>
            ))}
          </dl>
          {moves && (
            <Alert variant="light" icon={<IconCalendarClock size={18} aria-hidden />} title={next ? `The new window begins ${absolute(next.from, zone)}` : after.settings.zone === before.settings.zone && sameWindow(before, after) ? 'The window stays as it is' : 'The new window begins at once'}>
              {next
                ? 'Credits were used in the window that runs, so it runs to its end first. Nothing is reset; the next window begins when this one ends, and may be shorter than usual.'
                : before.settings.next_window && sameWindow(before, after)
                  ? 'The change that was planned is taken back.'
                  : `Nothing was used in the window that runs (${session.window.zone}), so nothing is lost.`}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} disabled={busy} data-autofocus>
              Go on editing
            </Button>
            <Button onClick={onSave} loading={busy}>
              Save settings
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function sameWindow(a: Organization, b: Organization): boolean {
  return a.settings.zone === b.settings.zone && JSON.stringify(a.settings.window) === JSON.stringify(b.settings.window);
}
