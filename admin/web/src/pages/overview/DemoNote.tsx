import { Button } from '@mantine/core';
import { IconFlask } from '@tabler/icons-react';
import { may, useSession, type components } from '@/api';
import { number } from '@/format';
import { useDemo } from '../settings/Demo';
import classes from './Overview.module.css';

/** Says that not everything here is real, how much of it is, and takes away what is not. */
export function DemoNote({ overview: o }: { overview?: components['schemas']['Overview'] }) {
  const session = useSession();
  const { busy, remove } = useDemo();
  if (!o || o.demo_used === null) return null;
  const real = o.used - o.demo_used;
  return (
    <section className={classes.demo} aria-label="Demo data">
      <IconFlask size={16} aria-hidden />
      <p>
        <strong>Includes demo data.</strong> {real > 0 ? `${number(real)} of the ${number(o.used)} ${o.unit} used are real` : `Nothing of the ${number(o.used)} ${o.unit} used is real`}; the rest counts against no limit.
      </p>
      {may(session, 'deleteDemo') && (
        <Button size="xs" variant="subtle" loading={busy} onClick={() => void remove()}>
          Remove demo data
        </Button>
      )}
    </section>
  );
}
