import { describe, expect, it } from 'vitest';
import { administers, allows, may } from './permission';

const who = (role: 'owner' | 'admin' | 'member', ...teamsAdministered: string[]) => ({ role, teamsAdministered });

describe('what is shown to whom', () => {
  it.each([
    [who('owner'), [true, true, true, true]],
    [who('admin'), [true, true, true, false]],
    [who('member', 'team_1'), [true, true, false, false]],
    [who('member'), [true, false, false, false]],
    [null, [false, false, false, false]],
  ])('%j', (session, want) => {
    expect((['member', 'team admin', 'admin', 'owner'] as const).map((need) => allows(session, need))).toEqual(want);
  });

  it('knows whose team it is', () => {
    expect(administers(who('member', 'team_1'), 'team_1')).toBe(true);
    expect(administers(who('member', 'team_1'), 'team_2')).toBe(false);
    expect(administers(who('admin'), 'team_2')).toBe(true);
  });

  it('asks the list of operations for buttons', () => {
    expect(may({ permissions: new Set(['createUser']) }, 'createUser')).toBe(true);
    expect(may({ permissions: new Set() }, 'createUser')).toBe(false);
    expect(may(null, 'createUser')).toBe(false);
  });
});
