import { Button, Checkbox, Skeleton, VisuallyHidden } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowUp } from '@tabler/icons-react';
import { defaultRangeExtractor, useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { LongList } from '../api/longList';
import { number } from '../format';
import type { Sort } from '../url/state';
import { SortButton, widths, type Column } from './DataTable';
import { ErrorState } from './ErrorState';
import classes from './LongTable.module.css';
import { WaitingRows } from './Waiting';

interface Props<T> {
  /** For a screen reader: "People". */
  label: string;
  list: LongList<T>;
  columns: Column<T>[];
  idOf: (row: T) => string;
  empty: ReactNode;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** A click anywhere on the row. The first cell must hold a link or a button that does the same from the keyboard. */
  onOpen?: (row: T) => void;
  selected?: T[];
  onSelect?: (rows: T[]) => void;
  minRows?: number;
}

const rowHeight = 56;

/**
 * A list that is scrolled instead of leafed through: only the rows that are looked at, and a few around them, are in the document,
 * however many there are. The row with the focus stays there wherever one scrolls.
 */
export function LongTable<T>({ label, list, columns: all, idOf, empty, sort, onSort, onOpen, selected, onSelect, minRows = 10 }: Props<T>) {
  const columns = useShown(all);
  const body = useRef<HTMLTableSectionElement>(null);
  const [margin, setMargin] = useState(0);
  const [focused, setFocused] = useState<number | null>(null);
  const rows = useWindowVirtualizer({
    count: list.count,
    estimateSize: () => rowHeight,
    overscan: 6,
    scrollMargin: margin,
    // Back finds the row that was looked at, and not only the number of pixels.
    initialMeasurementsCache: list.kept.read() as VirtualItem[] | undefined,
    rangeExtractor: (range) => {
      const shown = defaultRangeExtractor(range);
      if (focused === null) return shown;
      // With its neighbours, so that Tab never comes to an end of what is in the document before the end of the list.
      const kept = [focused - 1, focused, focused + 1, focused + 2].filter((i) => i >= 0 && i < list.count);
      return [...new Set([...shown, ...kept])].sort((a, b) => a - b);
    },
  });
  // What stands above the list comes and goes.
  useLayoutEffect(() => {
    const top = body.current ? Math.round(body.current.getBoundingClientRect().top + window.scrollY) : 0;
    if (Math.abs(top - margin) > 1) setMargin(top);
  });
  const items = rows.getVirtualItems(); // before its range, which it works out
  const range = rows.range;
  const [firstShown, lastShown] = [range?.startIndex ?? 0, range?.endIndex ?? 0];
  useEffect(() => list.look(firstShown, lastShown));
  const keep = useRef(() => {});
  keep.current = () => list.kept.write(rows.measurementsCache);
  useEffect(() => () => keep.current(), []);
  // Another list is read from its beginning.
  const before = useRef(list.name);
  useEffect(() => {
    if (before.current === list.name) return;
    before.current = list.name;
    setFocused(null);
    if (window.scrollY > margin) window.scrollTo({ top: 0 });
  }, [list.name, margin]);

  const chosen = useMemo(() => new Set(selected?.map(idOf)), [selected, idOf]);
  const now = useRef({ selected, onSelect, onOpen, idOf });
  now.current = { selected, onSelect, onOpen, idOf };
  const act = useMemo<Act<T>>(
    () => ({
      select: (row, on) => {
        const { selected: rows = [], onSelect: tell, idOf: id } = now.current;
        tell?.(on ? [...rows, row] : rows.filter((r) => id(r) !== id(row)));
      },
      open: (row) => now.current.onOpen?.(row),
    }),
    [],
  );

  if (list.error && list.count === 0) return <ErrorState error={list.error} what={label.toLowerCase()} retry={list.retry} retrying={list.loading} />;
  if (list.count === 0) return list.loading ? <WaitingRows rows={minRows} label={label} height={rowHeight} /> : <>{empty}</>;
  const width = columns.length + (onSelect ? 1 : 0);
  const whole = list.total ?? list.count;
  let at = margin;
  return (
    <div className={classes.wrap} role="group" aria-label={label} data-busy={list.stale || undefined}>
      <table className={classes.table} aria-rowcount={whole + 1} aria-label={label}>
        <thead>
          <tr aria-rowindex={1}>
            {onSelect && <SelectAll list={list} selected={selected ?? []} onSelect={onSelect} />}
            {columns.map((c) => (
              <th key={c.id} scope="col" className={clsx(classes.head, c.numeric && classes.num)} style={{ width: c.width }} aria-sort={sort?.field === c.id ? (sort.descending ? 'descending' : 'ascending') : undefined}>
                {c.sortable && onSort ? <SortButton column={c} sort={sort} onSort={onSort} /> : c.title || <VisuallyHidden>Actions</VisuallyHidden>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody
          ref={body}
          onFocus={(e) => setFocused(Number((e.target as HTMLElement).closest('tr')?.dataset.index ?? NaN) || 0)}
          onBlur={(e) => e.relatedTarget && !body.current?.contains(e.relatedTarget as Node) && setFocused(null)}
        >
          {items.flatMap((item) => {
            const gap = item.start - at;
            at = item.end;
            const row = list.rowAt(item.index);
            return [
              gap > 0 && <Space key={`before-${item.index}`} height={gap} width={width} />,
              row === undefined ? (
                <tr key={item.key} ref={rows.measureElement} data-index={item.index} aria-rowindex={item.index + 2} className={classes.row}>
                  <td colSpan={width}>{list.error ? <ErrorState compact error={list.error} what="the rows from here on" retry={list.retry} retrying={list.loading} /> : <Skeleton height={12} width="40%" />}</td>
                </tr>
              ) : (
                <Row key={item.key} row={row} index={item.index} columns={columns} act={act} selectable={Boolean(onSelect)} opens={Boolean(onOpen)} selected={chosen.has(idOf(row))} measure={rows.measureElement} />
              ),
            ];
          })}
          {rows.getTotalSize() + margin - at > 0 && <Space height={rows.getTotalSize() + margin - at} width={width} />}
        </tbody>
      </table>
      <div className={classes.foot}>
        <span className="num">
          {number(firstShown + 1)}–{number(Math.min(lastShown + 1, list.count))} of {number(whole)}
        </span>
        {firstShown > 0 && (
          <Button variant="subtle" color="gray" size="compact-xs" leftSection={<IconArrowUp size={14} aria-hidden />} onClick={() => window.scrollTo({ top: 0 })}>
            To the beginning
          </Button>
        )}
      </div>
    </div>
  );
}

interface Act<T> {
  select: (row: T, on: boolean) => void;
  open: (row: T) => void;
}

interface RowProps<T> {
  row: T;
  index: number;
  columns: Column<T>[];
  act: Act<T>;
  selectable: boolean;
  opens: boolean;
  selected: boolean;
  measure: (node: HTMLTableRowElement | null) => void;
}

/** Drawn again only when it is another row or its selection changes, not while one scrolls. */
const Row = memo(function Row<T>({ row, index, columns, act, selectable, opens, selected, measure }: RowProps<T>) {
  return (
    <tr
      ref={measure}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={selectable ? selected : undefined}
      className={classes.row}
      data-opens={opens || undefined}
      onClick={(e) => {
        // What stands in the row acts for itself, what opened from it is no part of it, and selecting text opens nothing.
        const target = e.target as HTMLElement;
        if (!opens || !e.currentTarget.contains(target) || target.closest('a, button, input, label, [role=menuitem]') || getSelection()?.toString()) return;
        act.open(row);
      }}
    >
      {selectable && (
        <td className={classes.select}>
          <Checkbox size="xs" checked={selected} aria-label="Select the row" onChange={(e) => act.select(row, e.currentTarget.checked)} />
        </td>
      )}
      {columns.map((c) => (
        <td key={c.id} className={c.numeric ? `${classes.num} num` : undefined}>
          {c.cell(row)}
        </td>
      ))}
    </tr>
  );
}) as <T>(props: RowProps<T>) => ReactNode;

function SelectAll<T>({ list, selected, onSelect }: { list: LongList<T>; selected: T[]; onSelect: (rows: T[]) => void }) {
  // The rows themselves are gathered when they are wanted: there may be a hundred thousand.
  const all = selected.length > 0 && selected.length >= list.read;
  const choose = () => {
    const loaded = list.loaded();
    onSelect(selected.length >= loaded.length ? [] : loaded);
  };
  return (
    <th scope="col" className={clsx(classes.head, classes.select)}>
      <Checkbox
        size="xs"
        checked={all}
        indeterminate={selected.length > 0 && !all}
        aria-label={`Select the ${number(list.read)} rows that are loaded`}
        onChange={choose}
      />
    </th>
  );
}

/** The columns for which the window is wide enough. */
function useShown<T>(columns: Column<T>[]): Column<T>[] {
  const at = { getInitialValueInEffect: false };
  const tablet = useMediaQuery(widths.tablet, undefined, at);
  const desktop = useMediaQuery(widths.desktop, undefined, at);
  const wide = useMediaQuery(widths.wide, undefined, at);
  return useMemo(() => columns.filter((c) => !c.from || { tablet, desktop, wide }[c.from]), [columns, tablet, desktop, wide]);
}

/** Stands for the rows that are not in the document. */
function Space({ height, width }: { height: number; width: number }) {
  return (
    <tr aria-hidden className={classes.space}>
      <td colSpan={width} style={{ height }} />
    </tr>
  );
}
