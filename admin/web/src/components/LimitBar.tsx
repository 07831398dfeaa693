import { Skeleton } from '@mantine/core';
import { count, number, percent, type Figure } from '../format';
import classes from './LimitBar.module.css';
import { WaitingText } from './Waiting';

interface Props {
  used: Figure;
  held?: Figure;
  /** null: there is none. */
  limit: Figure;
  /** What it is of, for a screen reader: "Engineering's pool". */
  label: string;
  unit?: string;
  /** The numbers in words below the bar. */
  legend?: boolean;
  height?: number;
  loading?: boolean;
}

/**
 * Used solid, held hatched, free pale, the limit a tick, what is past it red. It reads the same at 120 px in a row and at 800 px
 * on a page. Without a limit, used and held are shown against each other and the end stays open.
 */
export function LimitBar({ used, held = 0, limit, label, unit = 'credits', legend, height = 8, loading }: Props) {
  if (loading) {
    return (
      <div aria-busy="true">
        <Skeleton height={height} radius={4} />
        {legend && (
          <div className={classes.legend}>
            <WaitingText chars={12} />
            <WaitingText chars={8} />
            <WaitingText chars={12} />
          </div>
        )}
      </div>
    );
  }
  const u = Math.max(used ?? 0, 0);
  const h = Math.max(held ?? 0, 0);
  const bounded = limit !== null && limit !== undefined;
  const l = bounded ? Math.max(limit, 0) : 0;
  const scale = bounded ? Math.max(l, u + h, 1e-9) : Math.max((u + h) * 1.25, 1e-9);
  const inside = bounded ? Math.min(u, l) : u;
  const heldInside = bounded ? Math.max(Math.min(h, l - inside), 0) : h;
  const over = bounded ? Math.max(u + h - l, 0) : 0;
  const at = (v: number) => `${(v / scale) * 100}%`;
  const free = bounded ? Math.max(l - u - h, 0) : null;
  const level = !bounded ? 'none' : over > 0 || u >= l ? 'over' : u + h >= 0.8 * l ? 'near' : 'fine';
  const words = [
    used === null || used === undefined ? 'used unknown' : `${number(used)} ${unit} used`,
    h > 0 ? `${number(held)} held` : null,
    bounded ? `of ${number(limit)}` : 'no limit',
    bounded && used !== null && used !== undefined ? (over > 0 ? `${number(over)} over` : `${number(free)} free`) : null,
  ].filter(Boolean);
  return (
    <div>
      <div
        className={classes.bar}
        data-level={level}
        style={{ height }}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={bounded ? l : scale}
        aria-valuenow={bounded ? Math.min(u + h, l) : u + h}
        aria-valuetext={words.join(', ')}
      >
        {inside > 0 && <span className={classes.used} style={{ width: at(inside) }} />}
        {heldInside > 0 && <span className={classes.held} style={{ width: at(heldInside) }} />}
        {over > 0 && <span className={classes.over} style={{ width: at(over) }} />}
        {bounded && <span className={classes.tick} style={{ left: at(l) }} />}
      </div>
      {legend && (
        <div className={classes.legend} aria-hidden>
          <span>
            <i className={classes.used} /> {number(used)} used{bounded && l > 0 ? ` (${percent(used, l)})` : ''}
          </span>
          <span>
            <i className={classes.held} /> {number(held)} held
          </span>
          {bounded ? (
            over > 0 ? (
              <span>
                <i className={classes.over} /> {number(over)} over the limit
              </span>
            ) : (
              <span>
                <i className={classes.free} /> {number(free)} free
              </span>
            )
          ) : (
            <span>no limit</span>
          )}
        </div>
      )}
    </div>
  );
}

/** The bar in a row with its share beside it. */
export function LimitCell(props: Props) {
  return (
    <div className={classes.cell}>
      <LimitBar {...props} height={6} />
      <span className="num">{props.limit ? percent(props.used, props.limit) : props.limit === 0 ? 'blocked' : count(props.used, 'credit', 'credits')}</span>
    </div>
  );
}
