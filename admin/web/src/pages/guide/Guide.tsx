import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import type { Element, Root } from 'hast';
import { useEffect, useRef } from 'react';
import Markdown from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { useSession } from '@/api';
import { EmptyState, PageHeader } from '@/components';
import { oneOf, text, useUrlState } from '@/url/state';
import { chapters, filled, search, type Part } from './chapters';
import { Code, Snippet } from './Snippet';
import classes from './Guide.module.css';

const params = {
  chapter: oneOf('introduction', ...chapters.map((c) => c.id)),
  section: text,
  q: text,
};

/** The User Guide: a chapter at a time, with the reader's own address and key in the snippets. */
export default function Guide() {
  const session = useSession();
  const [at, set] = useUrlState(params);
  const chapter = chapters.find((c) => c.id === at.chapter)!;
  const index = chapters.indexOf(chapter);
  const found = search(chapters, at.q);
  const body = useRef<HTMLElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const fill = (t: string) => filled(t, { origin: session.baseUrl.replace(/\/v1\/?$/, ''), keyPrefix: session.key.prefix });

  // The section that the address names is shown, also when it came from a search; another chapter begins at its top.
  const before = useRef(at.chapter);
  useEffect(() => {
    if (at.q) return;
    const heading = at.section ? body.current?.querySelector(`#${CSS.escape(at.section)}`) : null;
    if (heading) heading.scrollIntoView();
    else if (before.current !== at.chapter) window.scrollTo({ top: 0 });
    before.current = at.chapter;
  }, [at.chapter, at.section, at.q]);

  // On a phone the chapters are a strip, in which the one that is read stands in the middle.
  useEffect(() => {
    const current = list.current?.children[index] as HTMLElement | undefined;
    list.current?.scrollTo({ left: current && current.offsetLeft - (list.current.clientWidth - current.clientWidth) / 2 });
  }, [index]);

  const open = (id: string, section = '') => set({ chapter: id as typeof at.chapter, section, q: '' }, { push: true });
  return (
    <>
      <PageHeader title="User Guide" about="How Alfred works and how to use it. Snippets carry your own address and the beginning of your key." />
      <div className={classes.layout}>
        <nav className={classes.nav} aria-label="Chapters">
          <TextInput
            type="search"
            placeholder="Search the guide"
            aria-label="Search the guide"
            leftSection={<IconSearch size={16} />}
            value={at.q}
            onChange={(e) => set({ q: e.currentTarget.value })}
          />
          <ol ref={list}>
            {chapters.map((c) => (
              <li key={c.id}>
                <button type="button" aria-current={!at.q && c === chapter ? 'page' : undefined} onClick={() => open(c.id)}>
                  {c.title}
                </button>
              </li>
            ))}
          </ol>
        </nav>
        <article className={classes.chapter} ref={body}>
          {at.q ? (
            <>
              <h2 aria-live="polite">{found.length === 1 ? '1 section' : `${found.length} sections`} with “{at.q}”</h2>
              {found.length === 0 && (
                <EmptyState title="Nothing in the guide has these words" compact>
                  Try fewer words, or the code of the error that you met.
                </EmptyState>
              )}
              <ul className={classes.found}>
                {found.map((f) => (
                  <li key={`${f.chapter.id}#${f.section.id}`}>
                    <button type="button" onClick={() => open(f.chapter.id, f.section.id)}>
                      <span className={classes.where}>{[f.chapter.title, f.section.title].filter(Boolean).join(' › ')}</span>
                      <span className={classes.excerpt}>{fill(f.excerpt)}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </>
          ) : (
            <>
              <h2 className={classes.title}>{chapter.title}</h2>
              {chapter.sections.map((s) => (
                <section key={s.id} id={s.id || undefined} className={classes.section}>
                  {s.title && <h3>{s.title}</h3>}
                  {s.parts.map((p, i) => (
                    <PartOf key={i} part={p} fill={fill} />
                  ))}
                </section>
              ))}
              <div className={classes.turn}>
                {index > 0 && (
                  <button type="button" onClick={() => open(chapters[index - 1]!.id)}>
                    ←&nbsp;{chapters[index - 1]!.title}
                  </button>
                )}
                {index < chapters.length - 1 && (
                  <button type="button" className={classes.next} onClick={() => open(chapters[index + 1]!.id)}>
                    {chapters[index + 1]!.title}&nbsp;→
                  </button>
                )}
              </div>
            </>
          )}
        </article>
      </div>
    </>
  );
}

/** Tells each cell of a table its heading, which stands before it where a phone shows the cells of a row below each other. */
function labelled() {
  return (tree: Root) => {
    const elements = (of: { children: unknown[] }, ...names: string[]) => (of.children as Element[]).filter((e) => names.includes(e.tagName));
    for (const table of elements(tree, 'table')) {
      const [head, ...rows] = elements(table, 'thead', 'tbody').flatMap((part) => elements(part, 'tr'));
      const headings = elements(head!, 'th').map((th) => (th.children[0]?.type === 'text' ? th.children[0].value : ''));
      for (const row of rows) elements(row, 'td').forEach((cell, i) => (cell.properties['data-heading'] = headings[i]));
    }
  };
}

function PartOf({ part, fill }: { part: Part; fill: (text: string) => string }) {
  switch (part.kind) {
    case 'snippet':
      return <Snippet variants={part.variants} fill={fill} />;
    case 'code':
      return <Code text={part.text} language={part.language} />;
    case 'prose':
      return (
        <div className={classes.prose}>
          <Markdown
            remarkPlugins={[remarkGfm]}
            rehypePlugins={[labelled]}
            components={{
              // A wide table scrolls by itself, and so must be reachable.
              table: ({ children }) => (
                <div className={classes.table} tabIndex={0} role="group" aria-label="Table">
                  <table>{children}</table>
                </div>
              ),
            }}
          >
            {fill(part.text)}
          </Markdown>
        </div>
      );
  }
}
