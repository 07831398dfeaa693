import { SegmentedControl } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { CopyButton } from '@/components';
import type { Variant } from './chapters';
import classes from './Guide.module.css';

const names = { sh: 'curl', python: 'Python', js: 'Node' } as const;

/** A call in the languages in which it is shown. The language that a reader chose is kept for all snippets. */
export function Snippet({ variants, fill }: { variants: Variant[]; fill: (text: string) => string }) {
  const [language, setLanguage] = useLocalStorage<Variant['language']>({ key: 'alfred-guide-language', defaultValue: 'sh' });
  const shown = variants.find((v) => v.language === language) ?? variants[0]!;
  const text = fill(shown.text);
  return (
    <div className={classes.snippet}>
      <div className={classes.bar}>
        {variants.length > 1 ? (
          <SegmentedControl
            size="xs"
            aria-label="Language"
            value={shown.language}
            onChange={(v) => setLanguage(v as Variant['language'])}
            data={variants.map((v) => ({ value: v.language, label: names[v.language] }))}
          />
        ) : (
          <span className={classes.language}>{names[shown.language]}</span>
        )}
        <CopyButton value={text} what="snippet" />
      </div>
      <pre tabIndex={0} aria-label={`${names[shown.language]} snippet`}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

/** A block that is read, or that has no other language. */
export function Code({ text, language }: { text: string; language: string }) {
  return (
    <div className={classes.snippet}>
      <div className={classes.bar}>
        <span className={classes.language}>{language === 'json' ? 'Answer' : 'Terminal'}</span>
        <CopyButton value={text} what="text" />
      </div>
      <pre tabIndex={0} aria-label={language === 'json' ? 'Answer' : 'Commands'}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
