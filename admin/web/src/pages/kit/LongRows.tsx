import { useState } from 'react';
import { type LongList } from '@/api';
import { Card, EmptyState, LimitCell, LongTable, StatusBadge } from '@/components';

interface Row {
  id: string;
  name: string;
  status: string;
  used: number;
  quota: number;
}

const many = 10_000;
const states = ['active', 'active', 'active', 'on_vacation', 'suspended'];
const rows: Row[] = Array.from({ length: many }, (_, i) => ({ id: `usr_${i}`, name: `Person ${i + 1} of ten thousand`, status: states[i % states.length]!, used: (i * 37) % 11_000, quota: 10_000 }));

/** A list of which every row is there at once; a page's list comes from useLongList. Every 100th row has not come yet. */
const list: LongList<Row> = {
  name: 'kit',
  count: many,
  total: many,
  rowAt: (i) => (i % 100 === 99 ? undefined : rows[i]),
  read: many,
  loaded: () => rows,
  look: () => {},
  stale: false,
  loading: false,
  error: null,
  retry: () => {},
  kept: { read: () => undefined, write: () => {} },
};

const columns = [
  { id: 'name', title: 'Name', cell: (r: Row) => <a href={`#${r.id}`}>{r.name}</a> },
  { id: 'status', title: 'Status', width: 144, from: 'tablet' as const, cell: (r: Row) => <StatusBadge status={r.status} /> },
  { id: 'used', title: 'Of quota', width: 'min(178px, 36vw)', cell: (r: Row) => <LimitCell used={r.used} limit={r.quota} label={`Quota of ${r.name}`} /> },
];
const idOf = (r: Row) => r.id;

export function LongRows() {
  const [selected, setSelected] = useState<Row[]>([]);
  return (
    <>
      <Card flush title="LongTable" about={`10,000 rows, of which only those around the window are in the document. ${selected.length.toLocaleString()} selected.`}>
        <LongTable label="Ten thousand people" list={list} columns={columns} idOf={idOf} selected={selected} onSelect={setSelected} empty={<EmptyState title="Nobody" />} />
      </Card>
      <Card flush title="LongTable, loading">
        <LongTable label="People to come" list={{ ...list, name: 'kit, loading', count: 0, total: null, loading: true }} columns={columns} idOf={idOf} minRows={3} empty={<EmptyState title="Nobody" />} />
      </Card>
    </>
  );
}
