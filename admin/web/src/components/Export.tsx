import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconFileTypeCsv } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { CopyAsCurl, addressOf, type Request } from './Curl';
import { csv, download, type Cell } from './csv';

interface Props {
  /** Names the file and the button: "people". */
  what: string;
  /** What a command would ask. */
  request?: Request;
  /** The twin of the list that answers CSV, with the same filters. */
  csvPath?: string;
  /** Or the rows that are on the page, where no twin exists. */
  rows?: () => { head: string[]; rows: Cell[][] };
  /** What it would take has not come yet. */
  disabled?: boolean;
  children?: ReactNode;
}

/** The menu that every list and chart has: export as CSV, copy as curl. */
export function Export({ what, request, csvPath, rows, disabled, children }: Props) {
  return (
    <Menu position="bottom-end" width={200} transitionProps={{ duration: 120 }}>
      <Menu.Target>
        <ActionIcon size={28} disabled={disabled} style={disabled ? { background: 'none' } : undefined} aria-label={`More for ${what}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {children}
        {csvPath && (
          <Menu.Item component="a" href={addressOf({ path: csvPath, query: { ...request?.query, cursor: undefined, limit: undefined } })} download={`${what}.csv`} leftSection={<IconFileTypeCsv size={16} />}>
            Export as CSV
          </Menu.Item>
        )}
        {!csvPath && rows && (
          <Menu.Item
            leftSection={<IconFileTypeCsv size={16} />}
            onClick={() => {
              const table = rows();
              download(`${what}.csv`, csv(table.head, table.rows));
            }}
          >
            Export as CSV
          </Menu.Item>
        )}
        {request && <CopyAsCurl request={request} />}
      </Menu.Dropdown>
    </Menu>
  );
}
