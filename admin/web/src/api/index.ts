export { api, client, newKey } from './client';
export { Problem } from './problem';
export { useTagged, ifMatch, useReload, type Tagged } from './tagged';
export { useLongList, type LongList } from './longList';
export { useAttempt } from './attempt';
export { useStream } from './stream';
export { useSession, useSignOut, type Session } from './session';
export { allows, administers, may, type Need } from './permission';
export type { components, paths } from './schema.gen';
