/** A piece of a chapter: prose in Markdown, or what a reader copies. */
export type Part = { kind: 'prose'; text: string } | { kind: 'code'; language: string; text: string } | { kind: 'snippet'; variants: Variant[] };

/** The same call in one language. */
export interface Variant {
  language: 'sh' | 'python' | 'js';
  text: string;
}

export interface Section {
  /** In the address: "create-a-user". Empty for what stands before the first heading. */
  id: string;
  title: string;
  parts: Part[];
}

export interface Chapter {
  id: string;
  title: string;
  sections: Section[];
}

const files = import.meta.glob<string>('./chapters/*.md', { eager: true, query: '?raw', import: 'default' });

/** The chapters in the order of their file names. */
export const chapters: readonly Chapter[] = Object.keys(files)
  .sort()
  .map((name) => parseChapter(name.replace(/^.*\/\d+-|\.md$/g, ''), files[name]!));

/** Reads a chapter: one title, sections under second-level headings, fenced blocks. */
export function parseChapter(id: string, text: string): Chapter {
  const [, title = id, rest = ''] = /^# (.+)\n([\s\S]*)$/.exec(text.trim()) ?? [];
  // A "## " inside a fence is code, so fences are kept whole while the text is cut at headings.
  const pieces: { title: string; text: string }[] = [{ title: '', text: '' }];
  let fenced = false;
  for (const line of rest.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    if (!fenced && line.startsWith('## ')) pieces.push({ title: line.slice(3), text: '' });
    else pieces.at(-1)!.text += line + '\n';
  }
  return {
    id,
    title,
    sections: pieces.filter((p) => p.title || p.text.trim()).map((p) => ({ id: slug(p.title), title: p.title, parts: parseParts(p.text) })),
  };
}

/** Cuts prose and code apart; blocks that follow each other in different languages are one snippet with variants. */
export function parseParts(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const block of text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)\n```$/gm)) {
    const prose = text.slice(at, block.index).trim();
    at = block.index + block[0].length;
    if (prose) parts.push({ kind: 'prose', text: prose });
    const [, language = 'text', code = ''] = block;
    if (language !== 'sh' && language !== 'python' && language !== 'js') {
      parts.push({ kind: 'code', language, text: code });
      continue;
    }
    const last = parts.at(-1);
    if (last?.kind === 'snippet' && !last.variants.some((v) => v.language === language)) last.variants.push({ language, text: code });
    else parts.push({ kind: 'snippet', variants: [{ language, text: code }] });
  }
  const prose = text.slice(at).trim();
  if (prose) parts.push({ kind: 'prose', text: prose });
  return parts;
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Fills in the reader's own address and the beginning of the key. */
export function filled(text: string, reader: { origin: string; keyPrefix: string }): string {
  return text.replaceAll('{base_url}', reader.origin).replaceAll('{api_key}', `${reader.keyPrefix}…`);
}

export interface Found {
  chapter: Chapter;
  section: Section;
  /** The words around the first hit. */
  excerpt: string;
}

/** The sections that hold every word, those with a word in their title first. */
export function search(within: readonly Chapter[], query: string): Found[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found: (Found & { weight: number })[] = [];
  for (const chapter of within) {
    for (const section of chapter.sections) {
      const body = section.parts.map((p) => (p.kind === 'snippet' ? p.variants.map((v) => v.text).join('\n') : p.text)).join('\n');
      const title = `${chapter.title} ${section.title}`.toLowerCase();
      const all = `${title}\n${body.toLowerCase()}`;
      if (!words.every((w) => all.includes(w))) continue;
      found.push({ chapter, section, excerpt: around(body, words), weight: words.filter((w) => title.includes(w)).length });
    }
  }
  return found.sort((a, b) => b.weight - a.weight);
}

function around(body: string, words: string[]): string {
  const plain = body.replace(/^(\| *-+ *)+\|?$|^- |[`*|]/gm, '').replace(/\s+/g, ' ').trim();
  const hits = words.map((w) => plain.toLowerCase().indexOf(w)).filter((i) => i >= 0);
  const from = Math.max(0, (hits.length ? Math.min(...hits) : 0) - 40);
  const start = from === 0 ? 0 : plain.indexOf(' ', from) + 1;
  return (start ? '… ' : '') + plain.slice(start, start + 140) + (start + 140 < plain.length ? ' …' : '');
}
