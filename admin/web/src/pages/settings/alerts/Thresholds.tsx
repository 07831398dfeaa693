import { Button, Chip, Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client, ifMatch, may, Problem, useSession, useTagged } from '@/api';
import { Card, ErrorState, Refused, WaitingText, done, failed } from '@/components';
import classes from '../Settings.module.css';
import type { Organization } from '../fields';
import { key } from '../OrganisationForm';

const usual = [25, 50, 75, 80, 90, 95, 100];

/** At which parts of a budget somebody is told. */
export function Thresholds() {
  const session = useSession();
  const queries = useQueryClient();
  const organisation = useTagged<Organization>(key, (signal) => client.GET('/v1/admin/organization', { signal }));
  const [typed, setTyped] = useState<string[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const tagged = organisation.data;
  const set = (tagged?.data.settings.alert_thresholds ?? []).map(String);
  const shown = [...new Set([...usual, ...set.map(Number)])].sort((a, b) => a - b);
  const now = typed ?? set;
  const differs = typed !== null && [...typed].sort().join() !== [...set].sort().join();
  const edits = may(session, 'updateOrganization');
  const put = async (percents: string[], over = false) => {
    const { data, response } = await client.PATCH('/v1/admin/organization', {
      params: { header: (over ? {} : ifMatch(tagged)) as never },
      body: { settings: { alert_thresholds: percents.map(Number).sort((a, b) => a - b) } } as never,
    });
    queries.setQueryData(key, { data: data as Organization, etag: response.headers.get('ETag') });
    void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/settings'] });
  };
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await put(now);
      done(now.length === 0 ? 'Nobody is told of budgets any more.' : 'The thresholds are saved.', { undo: () => put(set, true).catch((e: unknown) => failed('The thresholds stay as they are', e)) });
      setTyped(null);
    } catch (e) {
      if (e instanceof Problem && e.conflicts) await organisation.refetch();
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title="When somebody is told" about="Of each pool and each cap, when so much of it is used: once in a window, and again after the budget was raised. Team admins hear of their team’s, people of their own cap. Owners and admins hear of everything but the pools and caps of teams that have an admin.">
      {organisation.error && !tagged ? (
        <ErrorState error={organisation.error} what="the thresholds" retry={() => void organisation.refetch()} retrying={organisation.isFetching} compact />
      ) : !tagged ? (
        <p aria-busy="true">
          <WaitingText chars={46} />
        </p>
      ) : (
        <div className={classes.drawer}>
          <Chip.Group multiple value={now} onChange={setTyped}>
            <Group gap="xs" role="group" aria-label="Thresholds">
              {shown.map((p) => (
                <Chip key={p} value={String(p)} size="sm" variant="light" disabled={!edits}>
                  {p} %
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          {now.length === 0 && <p className="soft" style={{ margin: 0 }}>Without any, nobody is told.</p>}
          {error !== null && <Refused error={error} />}
          {differs && (
            <div className={classes.end}>
              <Button variant="default" disabled={busy} onClick={() => (setTyped(null), setError(null))}>
                Discard
              </Button>
              <Button loading={busy} onClick={() => void save()}>
                Save thresholds
              </Button>
            </div>
          )}
        </div>
      )}
    </Card>
  );
}
