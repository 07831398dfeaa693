/** The instant at which a day such as 2026-11-14 begins in a zone, or undefined when it is no day. */
export function dayStart(day: string, zone: string): string | undefined {
  const m = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  return m ? start(Number(m[1]), Number(m[2]), Number(m[3]), zone) : undefined;
}

/** The instant at which the day is over: the start of the next one, so that the whole day is in. */
export function nextDay(day: string, zone: string): string | undefined {
  const m = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  return m ? start(Number(m[1]), Number(m[2]), Number(m[3]) + 1, zone) : undefined;
}

/** Midnight in a zone, by asking what the zone's clock shows and correcting; twice is enough over a change of daylight saving. */
function start(y: number, m: number, d: number, zone: string): string | undefined {
  const wanted = Date.UTC(y, m - 1, d);
  if (Number.isNaN(wanted)) return undefined;
  let at = wanted;
  for (let i = 0; i < 3; i++) {
    const p = new Intl.DateTimeFormat('en', { timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', hourCycle: 'h23' }).formatToParts(new Date(at));
    const of = (type: string) => Number(p.find((x) => x.type === type)?.value);
    const off = wanted - Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'));
    if (off === 0) break;
    at += off;
  }
  return new Date(at).toISOString();
}
