import { SegmentedControl, Tooltip } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconEqual, IconTrophy } from '@tabler/icons-react';
import { api } from '@/api';
import { Card, EmptyState, ErrorState, Export, Tone } from '@/components';
import { number, percent, unknown } from '@/format';
import { oneOf, useUrlState } from '@/url/state';
import { Skeleton } from '@mantine/core';
import classes from './Overview.module.css';

const params = { by: oneOf('team', 'user') };

/** Who gets the same answers for fewer credits. */
export function Efficiency({ query }: { query: { team?: string; department?: string; window: 'current' | 'previous' } }) {
  const [{ by }, set] = useUrlState(params);
  const asked = { by, window: query.window, team: query.team, top: 8 };
  const board = api.useQuery('get', '/v1/admin/efficiency', { params: { query: asked } }, { placeholderData: (before) => before });
  const rows = board.data?.data ?? [];
  const cells = rows.map((r) => [r.rank, r.name, r.requests, r.credits, r.credits_per_1k_output, r.against_median, r.cache_percent, r.waste_percent, r.output_per_input]);
  return (
    <Card
      title="Efficiency leaderboard"
      about="Credits per 1,000 output tokens against the median of the same models: less is better."
      actions={
        <>
          <SegmentedControl size="xs" value={by} onChange={(v) => set({ by: v as 'team' | 'user' })} data={[{ value: 'team', label: 'Teams' }, { value: 'user', label: 'People' }]} aria-label="Leaderboard of" />
          <Export
            what="efficiency"
            request={{ path: '/v1/admin/efficiency', query: asked }}
            rows={() => ({ head: ['Rank', 'Name', 'Requests', 'Credits', 'Credits per 1k output', 'Against median', 'Cache %', 'Waste %', 'Output per input'], rows: cells })}
          />
        </>
      }
    >
      {board.isPending ? (
        <Skeleton height={240} />
      ) : board.error ? (
        <ErrorState error={board.error} what="the leaderboard" retry={() => void board.refetch()} compact />
      ) : rows.length === 0 ? (
        <EmptyState compact icon={IconTrophy} title="Nobody to rank yet">
          A rank takes {number(board.data?.minimum_requests)} requests in the window.
        </EmptyState>
      ) : (
        <div className={classes.scroll} tabIndex={0} role="region" aria-label="Efficiency leaderboard">
          <table className={classes.board}>
            <thead>
              <tr>
                <th scope="col">Rank</th>
                <th scope="col">{by === 'team' ? 'Team' : 'Person'}</th>
                <th scope="col">Against median</th>
                <th scope="col" data-num>
                  Per 1k output
                </th>
                <th scope="col" data-num>
                  Requests
                </th>
                <th scope="col" data-num>
                  From cache
                </th>
                <th scope="col" data-num>
                  Wasted
                </th>
                <th scope="col" data-num>
                  Output / input
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r, i) => (
                <tr key={r.id || `${r.name}${i}`} data-me={r.me || undefined}>
                  <td>{r.rank === null ? <Tooltip label={`Fewer than ${board.data?.minimum_requests} requests`}><span className="soft" tabIndex={0}>–</span></Tooltip> : <span className={classes.rank}>{r.rank}</span>}</td>
                  <td>
                    <span className={classes.clamp} title={r.name}>
                      {r.name || 'Usage without a team'}
                    </span>
                    {r.me && <span className="soft"> (you)</span>}
                  </td>
                  <td>
                    <Against value={r.against_median} />
                  </td>
                  <td data-num>{number(r.credits_per_1k_output)}</td>
                  <td data-num>{number(r.requests)}</td>
                  <td data-num>{percent(r.cache_percent, 100)}</td>
                  <td data-num>{percent(r.waste_percent, 100)}</td>
                  <td data-num>{number(r.output_per_input)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

/** 0.8 is a fifth cheaper than is usual for the same models. */
function Against({ value }: { value: number | null }) {
  if (value === null) return <span className="soft">{unknown}</span>;
  const change = value - 1;
  if (Math.abs(change) < 0.02) return <Tone icon={IconEqual}>as usual</Tone>;
  return change < 0 ? (
    <Tone tone="ok" icon={IconArrowDown}>
      {percent(-change, 1)} cheaper
    </Tone>
  ) : (
    <Tone tone="warn" icon={IconArrowUp}>
      {percent(change, 1)} dearer
    </Tone>
  );
}
