import { Alert, Button } from '@mantine/core';
import { IconCalendarClock } from '@tabler/icons-react';
import { useState } from 'react';
import { client, ifMatch, type Tagged } from '@/api';
import { done } from '@/components';
import { date } from '@/format';
import { calendarWords, type Organization } from './fields';
import classes from './Settings.module.css';

/** The change of the window that is planned, with its day, and the way to take it back. */
export function NextWindow({ tagged, onTaken, onRefused }: { tagged: Tagged<Organization>; onTaken: (fresh: Tagged<Organization>) => void; onRefused: (error: unknown) => void }) {
  const [busy, setBusy] = useState(false);
  const { next_window: next, zone } = tagged.data.settings;
  if (!next) return null;
  const takeBack = async () => {
    setBusy(true);
    try {
      const { data, response } = await client.PATCH('/v1/admin/organization', { params: { header: ifMatch(tagged) as never }, body: { settings: { next_window: null } } as never });
      onTaken({ data: data as Organization, etag: response.headers.get('ETag') });
      done('The change is taken back. The window stays as it is.');
    } catch (e) {
      onRefused(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Alert className={classes.planned} variant="light" icon={<IconCalendarClock size={18} aria-hidden />} title={`From ${date(next.from, zone)}: ${calendarWords(next)}`}>
      <p>Until then the window below holds, and what is used in it counts to its end. Another change takes the place of this one.</p>
      <Button size="xs" variant="default" loading={busy} onClick={() => void takeBack()}>
        Take the change back
      </Button>
    </Alert>
  );
}
