import { Spotlight, createSpotlight } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { client } from '../api/client';
import { allows } from '../api/permission';
import { Problem } from '../api/problem';
import { useSession } from '../api/session';
import { pages } from '../pages';
import { pathOf, type Hit } from './hits';
import classes from './controls.module.css';

const [store, spotlight] = createSpotlight();

const groups: Record<string, string> = { user: 'People', team: 'Teams', key: 'Keys', project: 'Projects', department: 'Departments', decision: 'Decisions', request: 'Requests' };

/** Finds pages at once, and people, teams, keys, decisions and requests over the API while one types. */
export default function SearchDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const session = useSession();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 150);
  const admin = allows(session, 'team admin');
  const found = useQuery({
    queryKey: ['search', asked],
    enabled: opened && admin && asked.length >= 2,
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Hit[]> => (await client.GET('/v1/admin/search', { params: { query: { q: asked } }, signal })).data?.data ?? [],
  });
  useEffect(() => {
    if (opened) spotlight.open();
    else spotlight.close();
  }, [opened]);

  const words = query.toLowerCase().trim();
  const shown = pages.filter((p) => p.section && allows(session, p.need) && p.title.toLowerCase().includes(words));
  // What was found for other words stays only where it plainly matches these, so that Enter never opens what nobody looked for.
  const current = asked === query.trim() && !found.isPlaceholderData;
  const hits = asked.length >= 2 && words ? (found.data ?? []).filter((h) => current || `${h.id} ${h.title} ${h.detail}`.toLowerCase().includes(words)) : [];
  const go = (to: string) => () => {
    onClose();
    void navigate({ href: `/static${to}` });
  };
  const kinds = [...new Set(hits.map((h) => h.kind))];
  const nothing = shown.length === 0 && hits.length === 0;
  return (
    <Spotlight.Root store={store} query={query} onQueryChange={setQuery} onSpotlightClose={onClose} shortcut={null} scrollable maxHeight={460} clearQueryOnClose title="Search" classNames={{ header: classes.named }}>
      <Spotlight.Search placeholder={admin ? 'People, teams, keys, decisions, pages' : 'Pages'} leftSection={<IconSearch size={18} />} aria-label="Search" />
      <Spotlight.ActionsList>
        {shown.length > 0 && (
          <Spotlight.ActionsGroup label="Pages">
            {shown.map((p) => (
              <Spotlight.Action key={p.path} onClick={go(p.path)} leftSection={p.icon && <p.icon size={18} stroke={1.75} />} label={p.title} />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {kinds.map((kind) => (
          <Spotlight.ActionsGroup key={kind} label={groups[kind] ?? kind}>
            {hits
              .filter((h) => h.kind === kind)
              .map((h) => (
                <Spotlight.Action key={h.id} onClick={go(pathOf(h))}>
                  <span className={classes.hit}>
                    <span className="truncate">{h.title || h.id}</span>
                    <span className="soft truncate">{h.detail}</span>
                  </span>
                </Spotlight.Action>
              ))}
          </Spotlight.ActionsGroup>
        ))}
        {nothing && (
          <Spotlight.Empty>
            {found.isFetching || asked !== query.trim() ? 'Searching …' : found.error instanceof Problem ? `The search failed: ${found.error.message}` : `Nothing is called “${query}”. Names match from the beginning of a word, ids as a whole.`}
          </Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
