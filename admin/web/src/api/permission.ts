import type { operations } from './schema.gen';
import type { Session } from './session';

/** Who a page or a button is for. The API decides what is allowed; this decides what is worth showing. */
export type Need = 'member' | 'team admin' | 'admin' | 'owner';

const rank = { member: 0, admin: 2, owner: 3 } as const;

/** Whether somebody is at least that. An admin is a team admin of every team. */
export function allows(session: Pick<Session, 'role' | 'teamsAdministered'> | null, need: Need): boolean {
  if (!session) return false;
  const has = rank[session.role];
  switch (need) {
    case 'member':
      return true;
    case 'team admin':
      return has >= rank.admin || session.teamsAdministered.length > 0;
    case 'admin':
      return has >= rank.admin;
    case 'owner':
      return has >= rank.owner;
  }
}

/** Whether somebody administers this team. */
export function administers(session: Pick<Session, 'role' | 'teamsAdministered'> | null, team: string): boolean {
  return allows(session, 'admin') || (session?.teamsAdministered.includes(team) ?? false);
}

/** Whether somebody may call an operation at all: `may(session, 'createUser')` decides whether the button is there. */
export function may(session: Pick<Session, 'permissions'> | null, operation: keyof operations): boolean {
  return session?.permissions.has(operation) ?? false;
}
