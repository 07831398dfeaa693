import { Area, AreaChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts';
import { date, number } from '../format';
import { amount, axis, day, grid } from './axis';
import type { Series, TimeRow } from './series';
import { Frame } from './Frame';
import { Legend, Tip } from './Tip';

/** Parts of a whole along time, stacked. The largest is lowest. */
export default function StackedAreas({ rows, series, zone, height = 260 }: { rows: TimeRow[]; series: Series[]; zone: string; height?: number }) {
  return (
    <>
      <Frame height={height}>
        <AreaChart data={rows} margin={{ top: 8, right: 20, bottom: 0, left: 0 }} accessibilityLayer>
          <CartesianGrid {...grid} />
          <XAxis dataKey="t" type="number" scale="time" domain={['dataMin', 'dataMax']} tickFormatter={day(zone)} minTickGap={36} {...axis} />
          <YAxis width={52} tickFormatter={amount} {...axis} />
          <Tooltip
            isAnimationActive={false}
            content={({ active, payload }) => {
              const row = payload?.[0]?.payload as TimeRow | undefined;
              if (!active || !row) return null;
              return <Tip title={date(row.t, zone)} rows={[...series].reverse().map((s) => ({ name: s.name, value: number(row[s.key]), colour: s.colour }))} />;
            }}
          />
          {series.map((s) => (
            <Area key={s.key} dataKey={s.key} stackId="all" type="monotone" stroke={s.colour} strokeWidth={1.5} fill={s.colour} fillOpacity={0.72} isAnimationActive={false} activeDot={false} />
          ))}
        </AreaChart>
      </Frame>
      <Legend items={series.map((s) => ({ name: s.name, colour: s.colour }))} />
    </>
  );
}
