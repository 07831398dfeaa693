import { ActionIcon, Button } from '@mantine/core';
import { useHotkeys, useMediaQuery } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import classes from './controls.module.css';

const SearchDialog = lazy(() => import('./SearchDialog'));

const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** Opens the search with ⌘K or Ctrl K, from anywhere. */
export function Search() {
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState(false);
  const small = useMediaQuery('(max-width: 62em)', undefined, { getInitialValueInEffect: false });
  const show = () => {
    setWanted(true);
    setOpen(true);
  };
  useHotkeys([['mod+K', show]], []);
  return (
    <>
      {small ? (
        <ActionIcon size={36} onClick={show} aria-label="Search" aria-keyshortcuts="Control+K Meta+K">
          <IconSearch size={18} />
        </ActionIcon>
      ) : (
        <Button variant="default" size="xs" h={36} onClick={show} className={classes.search} leftSection={<IconSearch size={16} aria-hidden />} aria-keyshortcuts="Control+K Meta+K">
          Search <kbd aria-hidden>{mac ? '⌘K' : 'Ctrl K'}</kbd>
        </Button>
      )}
      {wanted && (
        <Suspense fallback={null}>
          <SearchDialog opened={open} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
