import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { Problem, useSession } from '@/api';
import { problemOf } from '@/api/problem';
import { EmptyState, ErrorState, PageHeader } from '@/components';
import { PageLoading } from '@/shell/PageLoading';
import { id, text, useUrlState } from '@/url/state';
import { byTag, matching, operations, type Document } from './document';
import { OperationRow } from './OperationRow';
import classes from './Reference.module.css';

const params = { op: id, q: text };

/** Every operation of the API, from the server's own document: what this page shows is what this server does. */
export default function Reference() {
  const session = useSession();
  const [at, set] = useUrlState(params);
  const document = useQuery({
    queryKey: ['openapi'],
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Document> => {
      const answer = await fetch('/v1/openapi.json', { signal }).catch(() => {
        throw Problem.unreachable();
      });
      if (!answer.ok) throw await problemOf(answer);
      return (await answer.json()) as Document;
    },
  });
  const all = useMemo(() => (document.data ? operations(document.data) : []), [document.data]);
  const groups = document.data ? byTag(document.data, matching(all, at.q)) : [];

  // An address that names an operation shows it, also when somebody else sent it.
  const loaded = Boolean(document.data);
  useEffect(() => {
    if (loaded && at.op) window.document.getElementById(at.op)?.scrollIntoView({ block: 'start' });
    // Only on arrival: opening a row by hand must not move the page.
  }, [loaded]);

  const origin = session.baseUrl.replace(/\/v1\/?$/, '');
  return (
    <>
      <PageHeader
        title="API reference"
        about={
          <>
            Everything this app does, the API does too. Send your key as <code>Authorization: Bearer tp-…</code> or <code className={classes.whole}>X-API-Key</code>.{' '}
            <a href="/v1/openapi.json" download="alfred-openapi.json">
              OpenAPI document
            </a>
          </>
        }
      />
      {document.isPending && <PageLoading />}
      {document.isError && <ErrorState error={document.error} what="the API's document" retry={() => void document.refetch()} retrying={document.isFetching} />}
      {document.data && (
        <div className={classes.layout}>
          <nav className={classes.nav} aria-label="Parts of the API">
            <TextInput
              type="search"
              placeholder="Search operations"
              aria-label="Search operations"
              leftSection={<IconSearch size={16} />}
              value={at.q}
              onChange={(e) => set({ q: e.currentTarget.value })}
            />
            <ul>
              {groups.map((g) => (
                <li key={g.tag}>
                  <a
                    href={`#tag-${g.tag}`}
                    onClick={(e) => {
                      e.preventDefault();
                      const heading = window.document.getElementById(`tag-${g.tag}`);
                      heading?.scrollIntoView();
                      heading?.focus({ preventScroll: true });
                    }}
                  >
                    {g.tag} <span>{g.operations.length}</span>
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div className={classes.groups}>
            {groups.length === 0 && (
              <EmptyState title={`No operation has the words “${at.q}”`}>Search for a path, such as /v1/admin/teams, or for what it is about.</EmptyState>
            )}
            {groups.map((g) => (
              <section key={g.tag} aria-labelledby={`tag-${g.tag}`}>
                <h2 id={`tag-${g.tag}`} tabIndex={-1}>
                  {g.tag}
                </h2>
                {g.description && <p className={classes.about}>{g.description}</p>}
                <div className={classes.rows}>
                  {g.operations.map((o) => (
                    <OperationRow key={o.id} doc={document.data} operation={o} origin={origin} open={at.op === o.id} onOpen={(open) => set({ op: open ? o.id : null })} />
                  ))}
                </div>
              </section>
            ))}
          </div>
        </div>
      )}
    </>
  );
}
