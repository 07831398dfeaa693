import { SegmentedControl, Skeleton, VisuallyHidden } from '@mantine/core';
import { IconChartLine, IconTable } from '@tabler/icons-react';
import { Suspense, useState, type CSSProperties, type ReactNode } from 'react';
import { Card } from './Card';
import type { Request } from './Curl';
import type { Cell } from './csv';
import { ErrorState } from './ErrorState';
import { Export } from './Export';
import classes from './ChartCard.module.css';
import { WaitingText } from './Waiting';

interface Props {
  /** The question that the chart answers: "Will we last?" */
  question: string;
  /** The answer in words, with figures: what a reader of the chart would say. */
  answer?: ReactNode;
  /** The figures behind the chart, which is also what is exported. */
  table: { head: string[]; rows: Cell[][]; numeric?: boolean[] } | null;
  /** What a command would ask. */
  request?: Request;
  loading?: boolean;
  error?: unknown;
  retry?: () => void;
  /** Stands in the place of the chart when there is nothing to draw. */
  empty?: ReactNode;
  height?: number;
  children: ReactNode;
}

/** A chart whose title is its question and that can be read as a table. It is as high while it loads, and when there is nothing, as with its chart. */
export function ChartCard({ question, answer, table, request, loading, error, retry, empty, height = 260, children }: Props) {
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const nothing = !loading && !error && (table === null || table.rows.length === 0);
  const known = table !== null && table.rows.length > 0;
  const actions =
    loading || known ? (
      <>
        <SegmentedControl
          size="xs"
          disabled={!known}
          value={view}
          onChange={(v) => setView(v as 'chart' | 'table')}
          aria-label={`Show “${question}” as`}
          data={[
            { value: 'chart', label: <Choice icon={<IconChartLine size={15} />} text="Chart" /> },
            { value: 'table', label: <Choice icon={<IconTable size={15} />} text="Table" /> },
          ]}
        />
        <Export what={question.replace(/[^\w ]/g, '').toLowerCase().replaceAll(' ', '-')} request={request} disabled={!known} rows={() => ({ head: table?.head ?? [], rows: table?.rows ?? [] })} />
      </>
    ) : undefined;
  return (
    <Card title={question} actions={actions} fill>
      <div className={classes.inside} style={{ '--height': `${height}px` } as CSSProperties}>
        {(loading || answer) && <p className={classes.answer}>{loading ? <WaitingText chars={36} /> : answer}</p>}
        {loading ? (
          <Skeleton className={classes.room} />
        ) : error ? (
          <div className={classes.room} data-empty>
            <ErrorState error={error} what="this chart" retry={retry} compact />
          </div>
        ) : nothing && empty ? (
          <div className={classes.room} data-empty>{empty}</div>
        ) : view === 'chart' ? (
          <Suspense fallback={<Skeleton className={classes.room} />}>
            <div className={classes.room}>{children}</div>
          </Suspense>
        ) : (
          <div className={classes.scroll} style={{ maxHeight: Math.max(height, 220) }} tabIndex={0} role="region" aria-label={`${question} as a table`}>
            <table className={classes.table}>
              <thead>
                <tr>
                  {table?.head.map((h, i) => (
                    <th key={h} scope="col" data-num={i > 0 || undefined}>
                      {h}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {table?.rows.map((row, i) => (
                  <tr key={i}>
                    {row.map((cell, j) => (
                      <td key={j} data-num={typeof cell === 'number' || undefined}>
                        {typeof cell === 'number' ? cell.toLocaleString() : (cell ?? '–')}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </Card>
  );
}

function Choice({ icon, text }: { icon: ReactNode; text: string }) {
  return (
    <span className={classes.choice} title={text}>
      {icon}
      <VisuallyHidden>{text}</VisuallyHidden>
    </span>
  );
}
