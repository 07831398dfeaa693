import type { ReactNode } from 'react';
import classes from './Tip.module.css';

/** What is shown at the pointer: a heading and rows of name and figure. */
export function Tip({ title, rows }: { title: ReactNode; rows: { name: string; value: ReactNode; colour?: string }[] }) {
  return (
    <div className={classes.tip}>
      <div className={classes.title}>{title}</div>
      {rows.map((r) => (
        <div key={r.name} className={classes.row}>
          <span>
            {r.colour && <i style={{ background: r.colour }} />}
            {r.name}
          </span>
          <span className="num">{r.value}</span>
        </div>
      ))}
    </div>
  );
}

/** Names beside their colours, below a chart whose lines cannot carry them. */
export function Legend({ items }: { items: { name: string; colour: string; dashed?: boolean }[] }) {
  return (
    <div className={classes.legend}>
      {items.map((i) => (
        <span key={i.name}>
          <i style={i.dashed ? { borderTop: `2px dashed ${i.colour}`, height: 0, width: 14, borderRadius: 0 } : { background: i.colour }} />
          {i.name}
        </span>
      ))}
    </div>
  );
}
