import { CartesianGrid, Line, LineChart, Tooltip, XAxis, YAxis } from 'recharts';
import { date, number } from '../format';
import { amount, axis, day, grid } from './axis';
import type { Series, TimeRow } from './series';
import { Frame } from './Frame';
import { Legend, Tip } from './Tip';

/** Some figures along time. */
export default function Lines({ rows, series, zone, height = 220 }: { rows: TimeRow[]; series: Series[]; zone: string; height?: number }) {
  return (
    <>
      <Frame height={height}>
        <LineChart data={rows} margin={{ top: 8, right: 20, bottom: 0, left: 0 }} accessibilityLayer>
          <CartesianGrid {...grid} />
          <XAxis dataKey="t" type="number" scale="time" domain={['dataMin', 'dataMax']} tickFormatter={day(zone)} minTickGap={36} {...axis} />
          <YAxis width={52} tickFormatter={amount} {...axis} />
          <Tooltip
            isAnimationActive={false}
            content={({ active, payload }) => {
              const row = payload?.[0]?.payload as TimeRow | undefined;
              if (!active || !row) return null;
              return <Tip title={date(row.t, zone)} rows={series.map((s) => ({ name: s.name, value: number(row[s.key]), colour: s.colour }))} />;
            }}
          />
          {series.map((s) => (
            <Line key={s.key} dataKey={s.key} type="monotone" stroke={s.colour} strokeWidth={2} dot={false} isAnimationActive={false} />
          ))}
        </LineChart>
      </Frame>
      {series.length > 1 && <Legend items={series.map((s) => ({ name: s.name, colour: s.colour }))} />}
    </>
  );
}
