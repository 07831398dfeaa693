import type { ReactElement } from 'react';
import { ResponsiveContainer } from 'recharts';

/**
 * Where every chart is drawn: as high as its card has room. It stands apart from the flow, so that a chart never holds its own card
 * open, and gives way to an answer of several lines instead of pushing down what is below.
 */
export function Frame({ height, children }: { height: number; children: ReactElement }) {
  return (
    <div style={{ flex: 1, position: 'relative', minHeight: Math.min(height, 160) }}>
      <div style={{ position: 'absolute', inset: 0 }}>
        <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 600, height }}>
          {children}
        </ResponsiveContainer>
      </div>
    </div>
  );
}
