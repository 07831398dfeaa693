import { describe, expect, it } from 'vitest';
import { readParams, writeParams } from '@/url/state';
import { endOfDay } from './day';
import { none, params, queryOf, selectionOf, sentence, viewOf } from './filters';

const now = new Date('2026-11-23T10:42:07Z');

describe('the filter of the directory', () => {
  it('is read from the address and takes what is not a filter for none', () => {
    const state = readParams(params, { q: 'ada', status: 'dead', role: 'admin', used: '80', unseen: 'x', sort: '-used_percent' });
    expect(state).toMatchObject({ q: 'ada', status: null, role: 'admin', used: 80, unseen: null, sort: { field: 'used_percent', descending: true }, add: false });
  });

  it('leaves the address as short as it is without filters', () => {
    expect(writeParams(params, { q: 'ada', used: '80' }, none)).toEqual({});
  });

  it('asks the list and selects for a job by the same', () => {
    const filter = { q: 'ada', status: 'active' as const, role: null, used: 80, unseen: 30 };
    const selection = selectionOf(filter, { team: 'team_1' }, now);
    expect(selection).toEqual({ q: 'ada', status: ['active'], used_over: 80, seen_before: '2026-10-24T10:00:00.000Z', team: 'team_1' });
    expect(queryOf(filter, { team: 'team_1' }, { field: 'used', descending: true }, null, now)).toEqual({ ...selection, sort: '-used', cursor: undefined, limit: 100 });
  });

  it('reads as a sentence', () => {
    expect(sentence(none)).toBe('people');
    expect(sentence({ q: 'ada', status: 'on_vacation', role: 'admin', used: 80, unseen: 30 })).toBe('on vacation admins that match “ada” over 80 % of their quota not seen for 30 days');
  });

  it('is saved without the page one is on and what is open', () => {
    expect(viewOf('?used=80&cursor=abc&edit=usr_1&sort=-used&add=true')).toBe('sort=-used&used=80');
  });
});

describe('the last day of a vacation', () => {
  it.each([
    ['2026-11-30', 'Europe/Oslo', '2026-11-30T23:00:00.000Z'],
    ['2026-07-01', 'Europe/Oslo', '2026-07-01T22:00:00.000Z'],
    ['2026-10-24', 'Europe/Oslo', '2026-10-24T22:00:00.000Z'],
    ['2026-10-25', 'Europe/Oslo', '2026-10-25T23:00:00.000Z'],
    ['2026-12-31', 'UTC', '2027-01-01T00:00:00.000Z'],
  ])('%s in %s ends at %s', (day, zone, end) => expect(endOfDay(day, zone)).toBe(end));

  it('is none for what is not a day', () => expect(endOfDay('', 'UTC')).toBeNull());
});
