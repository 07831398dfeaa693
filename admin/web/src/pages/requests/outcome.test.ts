import { expect, it } from 'vitest';
import type { components } from '@/api';
import { tokens, unusual } from './outcome';

const row = { shrunk: false, estimated: false, late: false, overrun: false, degraded: '', private: false } as components['schemas']['RequestRow'];

it('finds nothing unusual in an ordinary request', () => {
  expect(unusual(row)).toEqual([]);
});

it('names everything unusual, the fail mode included', () => {
  expect(unusual({ ...row, shrunk: true, degraded: 'local', private: true })).toEqual(['shortened to fit', 'without the ledger: local', 'private']);
});

it('adds up tokens of every kind', () => {
  expect(tokens({ input: 3, cached_input: 4, output: 5 })).toBe(12);
  expect(tokens({})).toBe(0);
});
