import { describe, expect, it } from 'vitest';
import { figure, flag, id, list, oneOf, parseSearch, readParams, sort, stringifySearch, text, writeParams } from './state';

const params = { q: text, status: oneOf('all', 'active', 'suspended'), over: figure, teams: list, open: id, away: flag, sort: sort(['name', 'used'], { field: 'name', descending: false }) };

describe('the state in the address', () => {
  it('reads defaults from an empty one, and writes none of them', () => {
    const values = readParams(params, {});
    expect(values).toEqual({ q: '', status: 'all', over: null, teams: [], open: null, away: false, sort: { field: 'name', descending: false } });
    expect(writeParams(params, {}, values)).toEqual({});
  });

  it('gives back what was written', () => {
    const values = { q: 'a&b=c', status: 'suspended', over: 80, teams: ['t1', 't2'], open: 'usr_1', away: true, sort: { field: 'used', descending: true } } as const;
    const address = stringifySearch(writeParams(params, {}, { ...values, teams: [...values.teams] }));
    expect(address).toBe('?q=a%26b%3Dc&status=suspended&over=80&teams=t1%2Ct2&open=usr_1&away=true&sort=-used');
    expect(readParams(params, parseSearch(address))).toEqual(values);
  });

  it('takes what does not parse for absent', () => {
    expect(readParams(params, { status: 'gone', over: 'much', sort: '-password', away: 'yes' })).toEqual(readParams(params, {}));
  });

  it('leaves the parameters of others alone', () => {
    expect(writeParams({ q: text }, { scope: 'team:t1', q: 'old' }, { q: '' })).toEqual({ scope: 'team:t1' });
  });
});
