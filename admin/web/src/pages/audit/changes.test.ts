import { expect, it } from 'vitest';
import { changesOf, show } from './changes';

it('takes what the server says', () => {
  expect(changesOf({ changes: [{ field: 'name', before: 'a', after: 'b' }], before: { x: 1 }, after: {} })).toEqual([{ field: 'name', before: 'a', after: 'b' }]);
});

it('compares before and after where the server says nothing', () => {
  expect(changesOf({ before: { name: 'a', quota: 1, gone: true }, after: { name: 'a', quota: 2, fresh: null } })).toEqual([
    { field: 'quota', before: 1, after: 2 },
    { field: 'gone', before: true, after: undefined },
    { field: 'fresh', before: undefined, after: null },
  ]);
  expect(changesOf({ after: { name: 'new' } })).toEqual([{ field: 'name', before: undefined, after: 'new' }]);
});

it('shows values as people read them', () => {
  expect([null, '', true, 5, { a: 1 }].map((v) => show(v))).toEqual(['none', 'empty', 'yes', '5', '{"a":1}']);
});

it('shows an id with its name', () => expect(show('usr_A', { usr_A: 'Ana' })).toBe('Ana (usr_A)'));
