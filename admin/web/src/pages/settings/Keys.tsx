import { IconKey } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { api, useSession } from '@/api';
import { Card, EmptyState, ErrorState, Export, Filters, StatusBadge } from '@/components';
import { text, useUrlState } from '@/url/state';
import classes from './Settings.module.css';

const params = { key: text };

/** Whose a key is, found by its first characters. */
export function Keys() {
  const session = useSession();
  const [{ key }, set] = useUrlState(params);
  const q = key.trim();
  const query = { q, limit: 20 };
  const found = api.useQuery('get', '/v1/admin/search', { params: { query } }, { enabled: q.length > 0, placeholderData: (before) => before });
  const keys = q ? found.data?.data.filter((h) => h.kind === 'key') : [];
  return (
    <div className={classes.stack}>
      <Card
        title="Whose key is this?"
        about="Every key shows its first characters, in logs too. Type them to find whom it belongs to."
        actions={<Export what="keys" request={{ path: '/v1/admin/search', query }} rows={() => ({ head: ['key', 'name', 'owner', 'status'], rows: (keys ?? []).map((k) => [k.title, k.detail, k.user_id ?? null, k.status ?? null]) })} />}
      >
        <Filters search={key} onSearch={(k) => set({ key: k.replace(/^(tp-.{12}).*$/, '$1') })} placeholder={`Such as ${session.key.prefix}`} />
        {!q ? (
          <EmptyState compact icon={IconKey} title="Type the beginning of a key">
            A whole key is not needed, and only its first characters are kept in the address.
          </EmptyState>
        ) : found.error ? (
          <ErrorState error={found.error} what="the keys" retry={() => void found.refetch()} retrying={found.isFetching} compact />
        ) : !keys ? (
          <p className="soft" aria-busy="true">
            Looking for it
          </p>
        ) : keys.length === 0 ? (
          <EmptyState compact icon={IconKey} title="No key begins like this">
            It may be of another Alfred, or its owner was deleted.
          </EmptyState>
        ) : (
          <ul className={classes.plain} aria-label="Keys that begin like this">
            {keys.map((k) => (
              <li key={k.id} className={classes.item}>
                <div>
                  <Link to={`/users/${k.user_id}` as '/'} className="mono">
                    {k.title}
                  </Link>
                  <div className="soft">{k.detail}</div>
                </div>
                {k.status && <StatusBadge status={k.status} />}
              </li>
            ))}
          </ul>
        )}
      </Card>
    </div>
  );
}
