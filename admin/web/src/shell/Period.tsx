import { Button, Menu } from '@mantine/core';
import { IconCalendar, IconCheck, IconChevronDown } from '@tabler/icons-react';
import { resets } from '../format';
import { usePeriod } from './controls';
import classes from './controls.module.css';

/** Names the window that the page shows: "Nov 2026 · resets in 12 days · Europe/Oslo". */
export function Period() {
  const { period, choose, all } = usePeriod();
  const now = new Date();
  return (
    <Menu position="bottom-end" width={260} transitionProps={{ duration: 120 }}>
      <Menu.Target>
        <Button variant="default" size="xs" h={36} leftSection={<IconCalendar size={16} aria-hidden />} rightSection={<IconChevronDown size={14} aria-hidden />} className={`${classes.button} ${classes.period}`} aria-label={`Window: ${period.name}, ${resets(period, now)}, ${period.zone}`}>
          <span>{period.name}</span>
          <span className={classes.more}>
            {'\u00a0'}· {resets(period, now)} · {period.zone}
          </span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Windows of the organisation, in {period.zone}</Menu.Label>
        {all.map((w) => (
          <Menu.Item key={w.window} onClick={() => choose(w.window)} rightSection={w.window === period.window ? <IconCheck size={16} aria-label="shown" /> : null}>
            {w.name}
            {w.window === 'current' && <span className="soft"> · now</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
