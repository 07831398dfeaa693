import { Area, CartesianGrid, ComposedChart, Line, ReferenceLine, Tooltip, XAxis, YAxis } from 'recharts';
import { date, number, type Window } from '../format';
import { amount, axis, day, grid, ticksTo } from './axis';
import { Frame } from './Frame';
import { Legend, Tip } from './Tip';

export interface BurnPoint {
  at: string;
  used: number;
  limit: number | null;
}

interface Props {
  points: BurnPoint[];
  window: Window;
  /** Credits a day, to draw the pace on; null while it is not known. */
  perDay: number | null;
  /** When the limit is reached at the earliest and the latest: the 80 % cone. */
  earliest?: string | null;
  latest?: string | null;
  height?: number;
}

interface Row {
  t: number;
  used?: number;
  limit?: number | null;
  pace?: number;
  cone?: [number, number];
}

/** The rows that are drawn: what was used, then the pace and its cone to the window's end. */
export function rowsOf({ points, window: w, perDay, earliest, latest }: Props): Row[] {
  const rows: Row[] = points.map((p) => ({ t: Date.parse(p.at), used: p.used, limit: p.limit }));
  const start = Date.parse(w.start);
  const first = rows[0];
  if (!first || first.t > start) rows.unshift({ t: start, used: 0, limit: first?.limit ?? null });
  const now = rows.at(-1)!;
  const end = w.end ? Date.parse(w.end) : null;
  if (end === null || now.t >= end || perDay === null || now.used === undefined) return rows;
  const days = (end - now.t) / 86_400_000;
  now.pace = now.used;
  const limit = now.limit ?? null;
  // The cone's slopes are those that reach the limit at its early and its late end.
  const slope = (at: string | null | undefined) => (at && limit !== null && Date.parse(at) > now.t ? (limit - now.used!) / ((Date.parse(at) - now.t) / 86_400_000) : null);
  const fast = slope(earliest);
  const slow = slope(latest) ?? (fast === null ? null : Math.max(0, 2 * perDay - fast));
  if (fast !== null && slow !== null) now.cone = [now.used, now.used];
  rows.push({
    t: end,
    limit,
    pace: now.used + perDay * days,
    cone: fast !== null && slow !== null ? [now.used + slow * days, now.used + fast * days] : undefined,
  });
  return rows;
}

/** Use since the window began against the limit as a step, with the pace on to the end. */
export default function BurnUp(props: Props) {
  const { window: w, height = 280 } = props;
  const rows = rowsOf(props);
  const limits = rows.map((r) => r.limit).filter((l): l is number => typeof l === 'number');
  const limit = limits.at(-1);
  const highest = Math.max(...rows.flatMap((r) => [r.used ?? 0, r.pace ?? 0]));
  // A cone or a limit far above what is used would press the line flat.
  const top = Math.max(highest, limit !== undefined && limit < highest * 4 ? limit : 0, 1);
  const ticks = ticksTo(top);
  const now = props.points.at(-1);
  const pace = rows.some((r) => r.pace !== undefined);
  const cone = rows.some((r) => r.cone);
  return (
    <>
      <Frame height={height}>
        <ComposedChart data={rows} margin={{ top: 12, right: 20, bottom: 0, left: 0 }} accessibilityLayer>
          <CartesianGrid {...grid} />
          <XAxis dataKey="t" type="number" scale="time" domain={[Date.parse(w.start), w.end ? Date.parse(w.end) : 'dataMax']} tickFormatter={day(w.zone)} minTickGap={36} {...axis} />
          <YAxis width={52} domain={[0, ticks.at(-1)!]} ticks={ticks} allowDataOverflow tickFormatter={amount} {...axis} />
          <Tooltip
            isAnimationActive={false}
            content={({ active, payload }) => {
              const row = payload?.[0]?.payload as Row | undefined;
              if (!active || !row) return null;
              return (
                <Tip
                  title={date(row.t, w.zone)}
                  rows={[
                    ...(row.used !== undefined ? [{ name: 'Used', value: number(row.used), colour: 'var(--a-used)' }] : []),
                    ...(row.used === undefined && row.pace !== undefined ? [{ name: 'At this pace', value: number(row.pace), colour: 'var(--a-used)' }] : []),
                    ...(typeof row.limit === 'number' ? [{ name: 'Limit', value: number(row.limit), colour: 'var(--a-text)' }] : []),
                  ]}
                />
              );
            }}
          />
          {cone && <Area dataKey="cone" stroke="none" fill="var(--a-used)" fillOpacity={0.13} isAnimationActive={false} activeDot={false} />}
          <Area dataKey="used" stroke="var(--a-used)" strokeWidth={2.25} fill="var(--a-used)" fillOpacity={0.08} isAnimationActive={false} dot={false} activeDot={{ r: 4 }} />
          {pace && <Line dataKey="pace" stroke="var(--a-used)" strokeWidth={2} strokeDasharray="2 5" dot={false} isAnimationActive={false} activeDot={false} />}
          <Line dataKey="limit" type="stepAfter" stroke="var(--a-text)" strokeWidth={1.5} strokeDasharray="6 4" dot={false} isAnimationActive={false} activeDot={false} />
          {now && pace && <ReferenceLine x={Date.parse(now.at)} stroke="var(--a-line-strong)" />}
        </ComposedChart>
      </Frame>
      <Legend
        items={[
          { name: 'Used', colour: 'var(--a-used)' },
          ...(limits.length ? [{ name: limit !== undefined && limit > top ? `Limit ${number(limit)}, above the chart` : 'Limit', colour: 'var(--a-text)', dashed: true }] : []),
          ...(pace ? [{ name: 'At this pace', colour: 'var(--a-used)', dashed: true }] : []),
          ...(cone ? [{ name: '80 % of outcomes', colour: 'color-mix(in srgb, var(--a-used) 25%, transparent)' }] : []),
        ]}
      />
    </>
  );
}
