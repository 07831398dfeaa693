import { IconGauge } from '@tabler/icons-react';
import { api, type components } from '@/api';
import { Card, Credits, DataTable, EmptyState, ErrorState, Export, Tone, WaitingText, type Column } from '@/components';
import { count, number, ratio } from '@/format';
import { againstMedian } from './teams';

type Row = components['schemas']['EfficiencyRow'];

/** How much output the team's credits buy, against the same models' median, and who in it (under a pseudonym) gets how much. */
export function Efficiency({ team }: { team: string }) {
  const teams = api.useQuery('get', '/v1/admin/efficiency', { params: { query: { by: 'team', team, top: 200 } } }, { staleTime: 60_000 });
  const query = { by: 'user' as const, team, top: 50 };
  const people = api.useQuery('get', '/v1/admin/efficiency', { params: { query } }, { staleTime: 60_000 });
  const mine = teams.data?.data.find((r) => r.id === team);
  const told = mine && againstMedian(mine.against_median);
  const columns: Column<Row>[] = [
    { id: 'rank', title: 'Rank', width: 64, cell: (r) => (r.rank ? number(r.rank) : <span className="soft" title={`Fewer than ${people.data?.minimum_requests} requests`}>–</span>) },
    { id: 'name', title: 'Member', cell: (r) => <>{r.name} {r.me && <Tone tone="accent">you</Tone>}</> },
    { id: 'against', title: 'Cost against median', numeric: true, cell: (r) => <span title={againstMedian(r.against_median) ?? undefined}>{ratio(r.against_median)}</span> },
    { id: 'per', title: 'Per 1,000 output tokens', numeric: true, from: 'tablet', cell: (r) => <Credits value={r.credits_per_1k_output} /> },
    { id: 'cache', title: 'From cache', numeric: true, from: 'desktop', cell: (r) => ratio(r.cache_percent === null ? null : r.cache_percent / 100) },
    { id: 'waste', title: 'Wasted', numeric: true, from: 'desktop', cell: (r) => ratio(r.waste_percent === null ? null : r.waste_percent / 100) },
    { id: 'requests', title: 'Requests', numeric: true, from: 'tablet', cell: (r) => number(r.requests) },
  ];
  return (
    <Card
      flush
      title="How efficient is the team?"
      about={
        teams.isPending ? (
          <WaitingText chars={40} />
        ) : mine ? (
          <>
            {told ? `It pays ${told} of the same models for 1,000 output tokens` : 'Nothing to compare with yet'}
            {mine.cache_percent !== null && `, ${ratio(mine.cache_percent / 100)} of the input came from a cache`}
            {mine.waste_percent !== null && `, ${ratio(mine.waste_percent / 100)} of the credits went to requests that failed or were broken off`}.
          </>
        ) : undefined
      }
      actions={
        (people.isPending || (people.data && people.data.data.length > 0)) && (
          <Export
            disabled={!people.data}
            what={`efficiency-${team}`}
            request={{ path: '/v1/admin/efficiency', query }}
            rows={() => ({
              head: ['rank', 'member', 'against_median', 'credits_per_1k_output', 'cache_percent', 'waste_percent', 'requests', 'credits'],
              rows: people.data!.data.map((r) => [r.rank, r.name, r.against_median, r.credits_per_1k_output, r.cache_percent, r.waste_percent, r.requests, r.credits]),
            })}
          />
        )
      }
    >
      {people.error && !people.data ? (
        <ErrorState compact error={people.error} what="the efficiency" retry={() => void people.refetch()} retrying={people.isFetching} />
      ) : (
        <DataTable
          label="Efficiency of members"
          compact
          minRows={3}
          columns={columns}
          rows={people.data?.data}
          idOf={(r) => r.id || r.name}
          empty={
            <EmptyState compact icon={IconGauge} title="Nothing was used in this window">
              From {count(people.data?.minimum_requests ?? 50, 'request', 'requests')} on there is a rank. People are shown under pseudonyms.
            </EmptyState>
          }
        />
      )}
    </Card>
  );
}
