/** How far a zone is from UTC at an instant, in milliseconds. */
function offset(at: number, zone: string): number {
  const p = new Intl.DateTimeFormat('en', { timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' }).formatToParts(at);
  const of = (type: string) => Number(p.find((x) => x.type === type)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) - Math.floor(at / 1000) * 1000;
}

/** Midnight after a day ("2026-11-30") in a zone, daylight saving included; null for what is not a day. */
export function endOfDay(day: string, zone: string): string | null {
  const [y, m, d] = day.split('-').map(Number);
  if (!y || !m || !d) return null;
  const local = Date.UTC(y, m - 1, d + 1);
  if (Number.isNaN(local)) return null;
  let at = local - offset(local, zone);
  at = local - offset(at, zone);
  return new Date(at).toISOString();
}
