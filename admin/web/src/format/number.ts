/** Shown where a figure is not known. Never 0: that would be a figure. */
export const unknown = '–';

export type Figure = number | null | undefined;

const formats = new Map<string, Intl.NumberFormat>();

function format(locale: string | undefined, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale ?? ''}${JSON.stringify(options)}`;
  let f = formats.get(key);
  if (!f) formats.set(key, (f = new Intl.NumberFormat(locale, options)));
  return f;
}

function known(value: Figure): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Credits, tokens or counts: with separators, from a million on as 1.24 M. Fractions show where they matter: below 100. */
export function number(value: Figure, locale?: string): string {
  if (!known(value)) return unknown;
  const size = Math.abs(value);
  if (size >= 999_999.5) {
    // 999,995,000 is 1 B and not 1,000 M, so the unit follows the rounded figure.
    const [divisor, unit] = size >= 999_995_000_000 ? [1e12, 'T'] : size >= 999_995_000 ? [1e9, 'B'] : [1e6, 'M'];
    return `${format(locale, { maximumSignificantDigits: 3 }).format(value / divisor)} ${unit}`;
  }
  return format(locale, { maximumFractionDigits: size < 100 ? 2 : 0 }).format(value);
}

/** The whole figure, for hovering and copying: up to the millionth of a credit. */
export function exact(value: Figure, locale?: string): string {
  return known(value) ? format(locale, { maximumFractionDigits: 6 }).format(value) : unknown;
}

/** With its sign, for changes: +500, −100. */
export function signed(value: Figure, locale?: string): string {
  if (!known(value)) return unknown;
  if (value === 0) return '0';
  return (value > 0 ? '+' : '−') + number(Math.abs(value), locale);
}

/** A part of a whole: 43 %, 4.2 %. More than nothing is never 0 %, less than all is never 100 %. */
export function percent(part: Figure, whole: Figure, locale?: string): string {
  if (!known(part) || !known(whole) || whole <= 0) return unknown;
  return ratio(part / whole, locale);
}

/** The same of a ratio: 0.43 is 43 %. */
export function ratio(value: Figure, locale?: string): string {
  if (!known(value)) return unknown;
  const p = value * 100;
  if (p > 0 && p < 0.1) return '< 0.1 %';
  if (p > 99 && p < 100) return '> 99 %';
  return `${format(locale, { maximumFractionDigits: Math.abs(p) < 10 ? 1 : 0 }).format(p)} %`;
}

/** One figure in terms of another that may be smaller: 103 %, and 100 % of what is nearly the same. */
export function against(value: Figure, locale?: string): string {
  return known(value) ? `${format(locale, { maximumFractionDigits: 0 }).format(value * 100)} %` : unknown;
}

/** "1 person", "3 people". */
export function count(value: Figure, one: string, many: string, locale?: string): string {
  return `${number(value, locale)} ${value === 1 ? one : many}`;
}

/** Milliseconds as people read them: 840 ms, 3.2 s, 2 min 5 s. */
export function millis(value: Figure, locale?: string): string {
  if (!known(value)) return unknown;
  if (value < 1000) return `${format(locale, { maximumFractionDigits: 0 }).format(value)} ms`;
  if (value < 60_000) return `${format(locale, { maximumFractionDigits: 1 }).format(value / 1000)} s`;
  return `${Math.floor(value / 60_000)} min ${Math.round((value % 60_000) / 1000)} s`;
}

/** What stands between thousands and before a fraction where this browser is. */
export function separators(locale?: string): { thousandSeparator: string; decimalSeparator: string } {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(1234567.5);
  const of = (type: string) => parts.find((p) => p.type === type)?.value;
  return { thousandSeparator: of('group') ?? ' ', decimalSeparator: of('decimal') ?? '.' };
}
