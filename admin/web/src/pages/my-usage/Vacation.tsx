import { Switch } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type components } from '@/api';
import { Card, Confirm, Time, done, failed } from '@/components';

/** Says that I am away, which frees a part of my quota for my team, or that I am back. */
export function Vacation({ me }: { me: components['schemas']['User'] }) {
  const queries = useQueryClient();
  const set = api.useMutation('post', '/v1/users/me/vacation');
  const [asking, setAsking] = useState(false);
  const away = me.status === 'on_vacation';
  const change = async (on_vacation: boolean) => {
    await set.mutateAsync({ body: { on_vacation } } as never);
    await queries.invalidateQueries({ predicate: (q) => typeof q.queryKey[1] === 'string' && q.queryKey[1].startsWith('/v1/users/me') });
  };
  const back = async () => {
    try {
      await change(false);
      done('Welcome back. What your team has not spent of your quota is yours again.');
    } catch (e) {
      failed('You are still on vacation', e);
    }
  };
  return (
    <Card title="Vacation">
      <Switch
        checked={away}
        disabled={set.isPending}
        onChange={() => (away ? void back() : setAsking(true))}
        label={away ? 'You are on vacation' : 'I am on vacation'}
        description={
          away ? (
            me.vacation_until ? (
              <>
                Until <Time at={me.vacation_until} />. What you released stays with your team until then.
              </>
            ) : (
              'Switch it off when you are back. What your team has not spent comes back to you.'
            )
          ) : me.teams.length > 0 ? (
            'While you are away, a part of your quota is released to your team’s pool.'
          ) : (
            'You are in no team, so nothing would be released.'
          )
        }
      />
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title="Go on vacation?"
        consequences="A part of what you have left goes to your team’s pool now, and in each window until you are back. Your keys go on working with the rest, and you cannot draw from the pool while you are away. When you are back, what was not spent returns."
        verb="Start vacation"
        onConfirm={async () => {
          await change(true);
          done('You are on vacation.', { undo: back });
        }}
      />
    </Card>
  );
}
