import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts';
import { date, number } from '../format';
import { amount, axis, day, grid } from './axis';
import type { Series, TimeRow } from './series';
import { Frame } from './Frame';
import { Legend, Tip } from './Tip';

/** Sums per hour or day, stacked where there are several series. */
export default function Bars({ rows, series, zone, height = 220 }: { rows: TimeRow[]; series: Series[]; zone: string; height?: number }) {
  return (
    <>
      <Frame height={height}>
        <BarChart data={rows} margin={{ top: 8, right: 20, bottom: 0, left: 0 }} accessibilityLayer barCategoryGap="18%">
          <CartesianGrid {...grid} />
          <XAxis dataKey="t" tickFormatter={day(zone)} minTickGap={28} {...axis} />
          <YAxis width={52} tickFormatter={amount} {...axis} />
          <Tooltip
            isAnimationActive={false}
            cursor={{ fill: 'var(--a-hover)' }}
            content={({ active, payload }) => {
              const row = payload?.[0]?.payload as TimeRow | undefined;
              if (!active || !row) return null;
              return <Tip title={date(row.t, zone)} rows={series.map((s) => ({ name: s.name, value: number(row[s.key]), colour: s.colour }))} />;
            }}
          />
          {series.map((s) => (
            <Bar key={s.key} dataKey={s.key} stackId="all" fill={s.colour} maxBarSize={28} isAnimationActive={false} />
          ))}
        </BarChart>
      </Frame>
      {series.length > 1 && <Legend items={series.map((s) => ({ name: s.name, colour: s.colour }))} />}
    </>
  );
}
