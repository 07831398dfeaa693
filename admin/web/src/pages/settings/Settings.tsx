import { Tabs } from '@mantine/core';
import { client, useSession, useTagged } from '@/api';
import { ErrorState, PageHeader, WindowBadge } from '@/components';
import { oneOf, useUrlState } from '@/url/state';
import { Alerts } from './alerts/Alerts';
import { Demo } from './Demo';
import type { Organization } from './fields';
import { Keys } from './Keys';
import { Limits } from './Limits';
import { key, OrganisationForm, WaitingForm } from './OrganisationForm';
import { ServiceAccounts } from './ServiceAccounts';
import { Variables } from './Variables';
import classes from './Settings.module.css';

const read = (signal: AbortSignal) => client.GET('/v1/admin/organization', { signal });

const params = { part: oneOf('organisation', 'limits', 'alerts', 'programs', 'keys') };

/** What holds for the whole organisation: its own settings, the limits that bind it, where alerts go, its service accounts, and whose a key is. */
export default function Settings() {
  const session = useSession();
  const [{ part }, set] = useUrlState(params);
  return (
    <>
      <PageHeader title="Settings" badges={<WindowBadge window={session.window} />} />
      <Tabs value={part} onChange={(p) => set({ part: (p ?? 'organisation') as typeof part })} keepMounted={false}>
        <Tabs.List aria-label="Parts of the settings" mb="lg">
          <Tabs.Tab value="organisation">Organisation</Tabs.Tab>
          <Tabs.Tab value="limits">Limits</Tabs.Tab>
          <Tabs.Tab value="alerts">Alerts</Tabs.Tab>
          <Tabs.Tab value="programs">Service accounts</Tabs.Tab>
          <Tabs.Tab value="keys">Keys</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="organisation">
          <Organisation />
        </Tabs.Panel>
        <Tabs.Panel value="limits">
          <Limits />
        </Tabs.Panel>
        <Tabs.Panel value="alerts">
          <Alerts />
        </Tabs.Panel>
        <Tabs.Panel value="programs">
          <ServiceAccounts />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** The organisation's own settings, and where each default comes from. */
function Organisation() {
  const organisation = useTagged<Organization>(key, read);
  return (
    <div className={classes.stack}>
      {organisation.data ? (
        <OrganisationForm tagged={organisation.data} reload={async () => (await organisation.refetch()).data} />
      ) : organisation.error ? (
        <ErrorState error={organisation.error} what="the settings" retry={() => void organisation.refetch()} retrying={organisation.isFetching} />
      ) : (
        <WaitingForm />
      )}
      <Variables />
      <Demo />
    </div>
  );
}
