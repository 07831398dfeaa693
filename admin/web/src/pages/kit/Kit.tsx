import { Button, Group, Stack } from '@mantine/core';
import { useState } from 'react';
import { Problem } from '@/api';
import { Bars, BurnUp, Lines, StackedAreas, seriesOf } from '@/charts';
import {
  Card,
  ChartCard,
  Confirm,
  CopyButton,
  Credits,
  DataTable,
  EmptyState,
  ErrorState,
  Export,
  Figure,
  Figures,
  Filters,
  Freshness,
  Id,
  KeyOnce,
  LimitBar,
  LimitCell,
  PageHeader,
  Refused,
  SideDrawer,
  SourceBadge,
  StatusBadge,
  Time,
  Tone,
  WaitingFields,
  WaitingText,
  WindowBadge,
  done,
  failed,
} from '@/components';
import { oneOf, sort, text, useUrlState } from '@/url/state';
import { LongRows } from './LongRows';

const november = { start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', zone: 'Europe/Oslo' };
const params = { q: text, status: oneOf('all', 'active', 'suspended'), sort: sort(['name', 'used'], { field: 'name', descending: false }) };
const days = Array.from({ length: 19 }, (_, i) => ({ t: Date.parse(november.start) + i * 86_400_000, m0: 900 + 70 * i, m1: 500 + 240 * Math.sin(i / 3), m2: 300, m3: 120 + 10 * i }));
const models = seriesOf([
  { key: 'm0', name: 'gpt-4o' },
  { key: 'm1', name: 'claude-3-haiku' },
  { key: 'm2', name: 'o1' },
  { key: 'm3', name: 'other', other: true },
]);
const people = [
  { id: 'usr_1', name: 'Ada Lovelace', status: 'active', used: 7_800, quota: 10_000 },
  { id: 'usr_2', name: 'Wilhelmina Featherstonehaugh-Cholmondeley von und zu Liechtenstein', status: 'on_vacation', used: 12_400_000, quota: 12_000_000 },
  { id: 'usr_3', name: '<script>alert(1)</script>', status: 'suspended', used: 0, quota: 0 },
];

/** Every component of the kit in its states. Only in the development build, with figures that nobody has. */
export default function Kit() {
  const [state, set] = useUrlState(params);
  const [dialog, setDialog] = useState<'confirm' | 'drawer' | null>(null);
  const broken = new Problem({ status: 503, code: 'unavailable', message: 'The stores did not answer in time.', remedy: 'Try again in a moment.', requestId: 'req_01KAR3V5ZC6Q0T4YJ8W1M2N3P4' });
  return (
    <>
      <PageHeader
        title="Kit"
        about="PageHeader: title, badges, actions, a sentence on what the page is for."
        badges={
          <>
            <WindowBadge window={november} />
            <Freshness at={new Date(Date.now() - 3000)} live />
          </>
        }
        actions={
          <>
            <Button variant="default">Secondary</Button>
            <Button>Primary action</Button>
          </>
        }
      />
      <Stack gap="lg">
        <Figures>
          <Figure label="Used" value={<Credits value={6_420_000} />} of="of 8 M credits" note="12 % more than last window">
            <LimitBar used={6_420_000} held={218_000} limit={8_000_000} label="Used" />
          </Figure>
          <Figure label="Held now" value="18,200" note="41 requests in flight" hint="What an (i) explains." />
          <Figure label="At this pace" value="until 26 Nov" note="4 days short" tone="bad" />
          <Figure label="Overshoot" value="0" note="none since 3 Mar" tone="ok" />
          <Figure label="Loading" value="" of="credits" loading>
            <LimitBar used={null} limit={null} label="Loading" />
          </Figure>
        </Figures>
        <Card title="LimitBar" about="Used solid, held hatched, free pale, the limit a tick, what is over red.">
          <Stack gap="lg">
            <LimitBar used={3_200} held={900} limit={10_000} label="Fine" legend />
            <LimitBar used={7_800} held={900} limit={10_000} label="Near" legend />
            <LimitBar used={10_000} held={0} limit={10_000} label="Reached" legend />
            <LimitBar used={12_400} held={300} limit={10_000} label="Over" legend />
            <LimitBar used={12_400} held={300} limit={null} label="Without a limit" legend />
            <LimitBar used={null} limit={null} label="Loading" legend loading />
            <div style={{ width: 190 }}>
              <LimitCell used={7_800} held={900} limit={10_000} label="In a row" />
            </div>
          </Stack>
        </Card>
        <Card title="Words, figures, badges">
          <Group gap="md">
            <Credits value={1_240_000.25} unit="credits" />
            <Credits value={-100} change />
            <Credits value={null} />
            <Time at={new Date(Date.now() - 240_000)} />
            <Time at={null} />
            <Id value="dec_01KAR3V5ZC6Q0T4YJ8W1M2N3P4" short what="decision id" />
            <CopyButton value="copied" what="value" />
            <StatusBadge status="active" />
            <StatusBadge status="on_vacation" />
            <StatusBadge status="suspended" />
            <Tone tone="accent">accent</Tone>
            <SourceBadge source={{ level: 'team', name: 'Engineering' }} />
          </Group>
        </Card>
        <div>
          <Filters
            search={state.q}
            onSearch={(q) => set({ q })}
            placeholder="Find a person"
            choices={[
              {
                label: 'Status',
                value: state.status === 'all' ? null : state.status,
                options: [
                  { value: 'active', label: 'Active' },
                  { value: 'suspended', label: 'Suspended' },
                ],
                onChange: (v) => set({ status: (v ?? 'all') as 'all' }),
              },
            ]}
            end={<Export what="people" request={{ path: '/v1/admin/users', query: { q: state.q } }} csvPath="/v1/admin/users.csv" />}
          />
          <Card flush>
            <DataTable
              label="People"
              rows={people}
              idOf={(p) => p.id}
              sort={state.sort}
              onSort={(next) => set({ sort: next as typeof state.sort })}
              empty={<EmptyState title="Nobody" />}
              paging={{ cursor: null, next: 'x', onCursor: () => {}, total: 100_000 }}
              columns={[
                { id: 'name', title: 'Name', sortable: true, cell: (p) => p.name },
                { id: 'status', title: 'Status', cell: (p) => <StatusBadge status={p.status} />, from: 'tablet' },
                { id: 'used', title: 'Used', sortable: true, numeric: true, width: 220, cell: (p) => <LimitCell used={p.used} limit={p.quota} label={`Quota of ${p.name}`} /> },
              ]}
            />
          </Card>
        </div>
        <Card title="Loading" about={<WaitingText chars={40} />}>
          <Group grow align="flex-start">
            <WaitingFields fields={2} />
          </Group>
        </Card>
        <ChartCard question="Will it come?" loading table={null} height={120}>
          {null}
        </ChartCard>
        <ChartCard question="Will we last?" answer="At this pace the pool lasts until 26 Nov, four days short." table={{ head: ['Day', 'Used'], rows: days.map((d) => [new Date(d.t).toDateString(), d.m0]) }}>
          <BurnUp points={days.map((d, i) => ({ at: new Date(d.t).toISOString(), used: 15_000 * i, limit: i < 9 ? 300_000 : 380_000 }))} window={november} perDay={15_000} earliest="2026-11-23T00:00:00Z" latest="2026-11-28T00:00:00Z" />
        </ChartCard>
        <ChartCard question="What for?" answer="gpt-4o takes 54 %." table={{ head: ['Day', ...models.map((m) => m.name)], rows: days.map((d) => [new Date(d.t).toDateString(), d.m0, d.m1, d.m2, d.m3]) }}>
          <StackedAreas rows={days} series={models} zone={november.zone} />
        </ChartCard>
        <ChartCard question="What does a day cost?" table={{ head: ['Day', 'Credits'], rows: days.map((d) => [new Date(d.t).toDateString(), d.m0]) }}>
          <Bars rows={days} series={models} zone={november.zone} />
          <Lines rows={days} series={models.slice(0, 2)} zone={november.zone} />
        </ChartCard>
        <Card title="States">
          <Group grow align="flex-start">
            <EmptyState title="No transfers yet" action={<Button variant="light">Transfer credits</Button>}>
              What, why, and the one button.
            </EmptyState>
            <ErrorState error={broken} what="the people" retry={() => {}} />
            <ErrorState error={new Problem({ status: 501, code: 'not_built', message: 'Not built.' })} what="the leaderboard" />
          </Group>
          <Refused error={broken} />
        </Card>
        <Card title="KeyOnce">
          <KeyOnce value="tp-3kQ9xR7mLw2VbN8sJ4hT6yE1cF5aD0gZ" owner="Ada Lovelace" onDone={() => {}} />
        </Card>
        <Group>
          <Button variant="default" onClick={() => done('Suspended. 3 requests in flight will finish; new ones are refused.', { undo: () => {} })}>
            Toast with undo
          </Button>
          <Button variant="default" onClick={() => failed('The user was not suspended', broken)}>
            Toast of a failure
          </Button>
          <Button variant="default" onClick={() => setDialog('confirm')}>
            Confirm
          </Button>
          <Button variant="default" onClick={() => setDialog('drawer')}>
            SideDrawer
          </Button>
        </Group>
        <LongRows />
      </Stack>
      <Confirm
        opened={dialog === 'confirm'}
        onClose={() => setDialog(null)}
        title="Delete Ada Lovelace?"
        consequences="Two keys stop working within a second. 3 requests in flight will finish. Her usage stays in the record."
        acknowledge="I understand that the keys cannot be brought back"
        verb="Delete user"
        danger
        onConfirm={() => Promise.reject(broken)}
      />
      <SideDrawer title="Request req_01KAR3…" opened={dialog === 'drawer'} onClose={() => setDialog(null)}>
        Details beside a list, with their own address.
      </SideDrawer>
    </>
  );
}
