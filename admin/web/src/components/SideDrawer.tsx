import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import { id, useUrlState } from '../url/state';

const params = { open: id };

/** What is open beside a list, kept in the address as `?open=…`: the list does not lose its place, and Back closes. */
export function useOpen(): [string | null, (id: string | null) => void] {
  const [{ open }, set] = useUrlState(params);
  return [open, (next) => set({ open: next }, { push: true })];
}

/** Details beside a list. */
export function SideDrawer({ title, onClose, opened, size = 560, children }: { title: ReactNode; onClose: () => void; opened: boolean; size?: number; children: ReactNode }) {
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size={size} title={title} styles={{ title: { fontWeight: 600, fontSize: 16, minWidth: 0 }, content: { background: 'var(--a-card)' }, header: { background: 'var(--a-card)' } }}>
      {children}
    </Drawer>
  );
}
