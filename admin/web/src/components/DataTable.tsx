import 'mantine-datatable/styles.css';
import { Button, Text, VisuallyHidden } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconArrowsSort } from '@tabler/icons-react';
import { DataTable as Table, type DataTableColumn } from 'mantine-datatable';
import { useRef, type ReactNode } from 'react';
import { number } from '../format';
import type { Sort } from '../url/state';
import classes from './DataTable.module.css';
import { ErrorState } from './ErrorState';
import { WaitingRows } from './Waiting';

export interface Column<T> {
  /** Names the column for sorting and for the saved order. */
  id: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** The server sorts by it. */
  sortable?: boolean;
  /** Figures stand to the right. */
  numeric?: boolean;
  width?: number | string;
  /** Only from this width of the window on, so that a phone shows what matters. */
  from?: 'tablet' | 'desktop' | 'wide';
}

/** A page of a list that the server cuts: by cursor, with or without the total. */
export interface Paging {
  /** The cursor of this page; null is the first. */
  cursor: string | null;
  next: string | null | undefined;
  onCursor: (cursor: string | null) => void;
  total?: number | null;
}

interface Props<T> {
  /** For a screen reader: "People". */
  label: string;
  columns: Column<T>[];
  rows: readonly T[] | undefined;
  idOf: (row: T) => string;
  loading?: boolean;
  error?: unknown;
  retry?: () => void;
  /** What stands there when there are no rows: an EmptyState. */
  empty: ReactNode;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  paging?: Paging;
  /** A click anywhere on the row. The first cell must hold a link or a button that does the same from the keyboard. */
  onOpen?: (row: T) => void;
  opened?: string | null;
  selected?: T[];
  onSelect?: (rows: T[]) => void;
  compact?: boolean;
  minRows?: number;
}

/** What the columns' `from` means. */
export const widths = { tablet: '(min-width: 48em)', desktop: '(min-width: 64em)', wide: '(min-width: 85em)' };

/**
 * A list of which the server sorts, searches and cuts, a page at a time; LongTable is the one that scrolls. The page before stays while the next one loads, so that nothing jumps; it
 * never holds more rows than one page, however long the list is.
 */
export function DataTable<T>({ label, columns, rows, idOf, loading, error, retry, empty, sort, onSort, paging, onOpen, opened, selected, onSelect, compact, minRows = 6 }: Props<T>) {
  if (error && !rows) return <ErrorState error={error} what={label.toLowerCase()} retry={retry} retrying={loading} />;
  if (!rows) return <WaitingRows rows={minRows} label={label} />;
  if (rows.length === 0 && !paging?.cursor) return <>{empty}</>;
  const list: DataTableColumn<T>[] = columns.map((c) => ({
    accessor: c.id as never,
    title: c.sortable && onSort ? <SortButton column={c} sort={sort} onSort={onSort} /> : c.title || <VisuallyHidden>Actions</VisuallyHidden>,
    textAlign: c.numeric ? 'right' : 'left',
    width: c.width,
    render: c.cell,
    visibleMediaQuery: c.from && widths[c.from],
    cellsClassName: c.numeric ? 'num' : undefined,
    titleClassName: classes.title,
  }));
  return (
    <div className={classes.wrap} data-busy={loading || undefined} role="group" aria-label={label}>
      <Table<T>
        columns={list}
        records={rows as T[]}
        idAccessor={idOf as never}
        minHeight={0}
        highlightOnHover={Boolean(onOpen)}
        onRowClick={
          onOpen &&
          (({ record, event }) => {
            // What stands in the row acts for itself, and selecting text opens nothing.
            if ((event.target as HTMLElement).closest('a, button, input, label, [role=menuitem]') || getSelection()?.toString()) return;
            onOpen(record);
          })
        }
        rowClassName={(row) => (opened && idOf(row) === opened ? classes.opened : undefined)}
        selectedRecords={selected}
        onSelectedRecordsChange={onSelect}
        selectionCheckboxProps={{ 'aria-label': 'Select the row' }}
        allRecordsSelectionCheckboxProps={{ 'aria-label': 'Select all rows of this page' }}
        horizontalSpacing="md"
        verticalSpacing={compact ? 6 : 9}
        fz={13}
        withRowBorders
        noRecordsText="No rows on this page"
        classNames={{ root: classes.root, table: classes.table, header: classes.head }}
      />
      {paging && <Pages paging={paging} shown={rows.length} loading={loading} />}
    </div>
  );
}

export function SortButton<T>({ column, sort, onSort }: { column: Column<T>; sort?: Sort; onSort: (sort: Sort) => void }) {
  const on = sort?.field === column.id;
  const Arrow = !on ? IconArrowsSort : sort.descending ? IconArrowDown : IconArrowUp;
  const next = { field: column.id, descending: on ? !sort.descending : Boolean(column.numeric) };
  return (
    <button type="button" className={classes.sort} data-on={on || undefined} onClick={() => onSort(next)} aria-label={`Sort by ${column.title}, ${next.descending ? 'descending' : 'ascending'}${on ? `; now ${sort.descending ? 'descending' : 'ascending'}` : ''}`}>
      {column.title}
      <Arrow size={14} aria-hidden />
    </button>
  );
}

function Pages({ paging, shown, loading }: { paging: Paging; shown: number; loading?: boolean }) {
  // The way back through pages that were seen; from a shared address it is the first page.
  const before = useRef<(string | null)[]>([]);
  if (!paging.cursor && !paging.next && (paging.total === undefined || paging.total === null)) return null;
  return (
    <div className={classes.pages}>
      <Text size="sm" c="dimmed" aria-live="polite">
        {paging.total !== undefined && paging.total !== null ? `${number(shown)} of ${number(paging.total)}` : `${number(shown)} on this page`}
      </Text>
      <div className={classes.steps}>
        <Button variant="default" size="xs" disabled={!paging.cursor || loading} onClick={() => paging.onCursor(before.current.pop() ?? null)}>
          Previous
        </Button>
        <Button
          variant="default"
          size="xs"
          disabled={!paging.next || loading}
          onClick={() => {
            before.current.push(paging.cursor);
            paging.onCursor(paging.next ?? null);
          }}
        >
          Next
        </Button>
      </div>
    </div>
  );
}
