import { describe, expect, it } from 'vitest';
import { changesOf, merge, type Form } from './merge';

const base: Form = { name: 'Ada', email: 'ada@company.com', quota: 5000, department: null, role: 'member' };

describe('two admins who edit one person', () => {
  it('sends only what differs', () => {
    expect(changesOf(base, { ...base, quota: '' })).toEqual({ quota: '' });
    expect(changesOf(base, base)).toEqual({});
  });

  it('takes over what nobody typed and keeps what was typed', () => {
    const m = merge(base, { ...base, name: 'Ada L.' }, { ...base, quota: 8000 });
    expect(m.typed).toEqual({ ...base, name: 'Ada L.', quota: 8000 });
    expect(m.taken).toEqual(['quota']);
    expect(m.clashes).toEqual([]);
  });

  it('shows both where both typed, and keeps mine', () => {
    const m = merge(base, { ...base, quota: 7000 }, { ...base, quota: '' });
    expect(m.typed.quota).toBe(7000);
    expect(m.clashes).toEqual([{ field: 'quota', theirs: 'inherits', mine: '7,000' }]);
  });

  it('says nothing where both typed the same', () => {
    const m = merge(base, { ...base, quota: 8000 }, { ...base, quota: 8000 });
    expect(m.clashes.length + m.taken.length).toBe(0);
  });
});
