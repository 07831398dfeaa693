import { Menu } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconTerminal2 } from '@tabler/icons-react';

/** One request of a page as a command that gives the same. */
export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
}

/** Quoted for a POSIX shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The request's address, without parameters that are not set. */
export function addressOf(r: Request): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(r.query ?? {})) if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  const text = query.toString();
  return r.path + (text ? `?${text}` : '');
}

/** A command with a placeholder for the key: a session's cookie is not for pasting. */
export function curlOf(r: Request, origin = location.origin): string {
  const method = r.method ?? 'GET';
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(origin + addressOf(r))}`, '-H "Authorization: Bearer $ALFRED_API_KEY"'];
  if (r.body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(r.body))}`);
  return lines.join(' \\\n  ');
}

export function CopyAsCurl({ request }: { request: Request }) {
  const clipboard = useClipboard({ timeout: 1500 });
  return (
    <Menu.Item closeMenuOnClick={false} leftSection={<IconTerminal2 size={16} />} onClick={() => clipboard.copy(curlOf(request))}>
      {clipboard.copied ? 'Copied' : 'Copy as curl'}
    </Menu.Item>
  );
}
