/** What the form of a team holds. An empty text is a figure that is not set. */
export interface Values {
  name: string;
  description: string;
  common_pool: number | string;
  pool_sharing: 'equal' | 'open';
  department_id: string | null;
  default_quota: number | string;
}

export type Field = keyof Values;

/** The fields that a person changed, as the API takes them: what they did not touch is not sent, so it stays whatever it is now. */
export function changed(was: Values, now: Values): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of Object.keys(now) as Field[]) {
    if (now[field] === was[field]) continue;
    if (field === 'common_pool') out[field] = Number(now[field]);
    else if (field === 'default_quota') out[field] = now[field] === '' ? null : Number(now[field]);
    else out[field] = now[field];
  }
  return out;
}
