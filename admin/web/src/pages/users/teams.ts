import type { Person } from './filters';

/** What a team of somebody is called; its id where it has no name any more. */
export const teamName = (m: Person['teams'][number]): string => m.name ?? m.team_id;
