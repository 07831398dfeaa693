import { describe, expect, it } from 'vitest';
import { chapters, filled, parseChapter, parseParts, search } from './chapters';

describe('the chapters', () => {
  it('are the ten of the guide, in its order', () => {
    expect(chapters.map((c) => c.title)).toEqual([
      'Introduction',
      'Installation',
      'Quick Start',
      'User Management',
      'Team Management',
      'API Usage',
      'Credit Reallocation',
      'Dashboard Features',
      'Configuration',
      'Troubleshooting',
    ]);
  });

  it('have sections with addresses of their own', () => {
    for (const c of chapters) {
      const ids = c.sections.map((s) => s.id);
      expect(new Set(ids).size, c.title).toBe(ids.length);
    }
  });
});

describe('reading a chapter', () => {
  it('keeps a heading inside a fence as code', () => {
    const c = parseChapter('x', '# Title\n\nBefore.\n\n## One\n\n```text\n## not a heading\n```\n');
    expect(c.title).toBe('Title');
    expect(c.sections.map((s) => s.title)).toEqual(['', 'One']);
    expect(c.sections[1]!.parts).toEqual([{ kind: 'code', language: 'text', text: '## not a heading' }]);
  });

  it('joins blocks of different languages, and only those', () => {
    const parts = parseParts('```sh\na\n```\n\n```python\nb\n```\n\n```sh\nc\n```\n\nprose\n\n```js\nd\n```');
    expect(parts.map((p) => (p.kind === 'snippet' ? p.variants.map((v) => v.text).join() : p.kind))).toEqual(['a,b', 'c', 'prose', 'd']);
  });
});

it('fills in the address and the beginning of the key', () => {
  expect(filled('curl {base_url}/v1 -H "{api_key}" {user_id}', { origin: 'https://alfred.example', keyPrefix: 'tp-4f2a' })).toBe(
    'curl https://alfred.example/v1 -H "tp-4f2a…" {user_id}',
  );
});

describe('searching', () => {
  it('wants every word, and puts titles first', () => {
    const found = search(chapters, 'vacation');
    expect(found[0]!.section.title).toBe('Vacation');
    expect(found.length).toBeGreaterThan(2);
    expect(search(chapters, 'vacation zebra')).toEqual([]);
  });

  it('finds an error by its code, and says where', () => {
    const [first] = search(chapters, 'quota_held');
    expect(first!.chapter.title).toBe('Troubleshooting');
    expect(first!.excerpt).toContain('quota_held');
  });

  it('shows words, without the marks of a table or a list', () => {
    const [first] = search([parseChapter('c', '# C\n\n- a zebra-crossing\n\n| word | meaning |\n| --- | --- |\n| `zebra` | striped |\n')], 'zebra');
    expect(first!.excerpt).toBe('a zebra-crossing word meaning zebra striped');
  });

  it('finds nothing for nothing', () => {
    expect(search(chapters, '  ')).toEqual([]);
  });
});
