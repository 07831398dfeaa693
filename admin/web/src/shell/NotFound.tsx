import { Button } from '@mantine/core';
import { IconMapOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { EmptyState } from '../components/EmptyState';

export function NotFound() {
  return (
    <EmptyState
      icon={IconMapOff}
      title="There is no such page"
      action={
        <Button component={Link} to="/" variant="light">
          Go to the start
        </Button>
      }
    >
      The address may be of another version of Alfred, or a part of it got lost on the way.
    </EmptyState>
  );
}
