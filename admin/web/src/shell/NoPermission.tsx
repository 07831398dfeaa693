import { Button } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { EmptyState } from '../components/EmptyState';
import type { Page } from '../pages';

const who = { member: 'everyone', 'team admin': 'team admins and admins', admin: 'admins', owner: 'owners' } as const;

/** A page of the registry that this person's role does not open. */
export function NoPermission({ page }: { page: Page }) {
  return (
    <EmptyState
      icon={IconLock}
      title={`${page.title} is for ${who[page.need]}`}
      action={
        <Button component={Link} to="/my-usage" variant="light">
          See my usage
        </Button>
      }
    >
      Your own usage, requests and decisions are yours to see. If you need this page for your work, ask an admin to change your role.
    </EmptyState>
  );
}
