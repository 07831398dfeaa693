import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, may, useSession } from '@/api';
import { ErrorState, Time, Tone, WaitingText, failed } from '@/components';
import classes from '../Settings.module.css';
import own from './Messages.module.css';
import { deliveryStates } from './words';

/** What was sent to a channel lately, and what came of it. */
export function Messages({ channel }: { channel: string }) {
  const session = useSession();
  const queries = useQueryClient();
  const messages = api.useQuery('get', '/v1/admin/deliveries', { params: { query: { channel, limit: 20 } } }, { refetchInterval: 5_000 });
  const resend = api.useMutation('post', '/v1/admin/deliveries/{delivery_id}/resend');
  const again = (id: string) =>
    resend.mutate(
      { params: { path: { delivery_id: id } } },
      { onError: (e) => failed('The message was not sent again', e), onSuccess: () => void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/deliveries'] }) },
    );
  return (
    <section aria-labelledby="messages">
      <div className={classes.head}>
        <h3 id="messages">Messages</h3>
      </div>
      {messages.error && !messages.data ? (
        <ErrorState error={messages.error} what="the messages" retry={() => void messages.refetch()} retrying={messages.isFetching} compact />
      ) : !messages.data ? (
        <p aria-busy="true">
          <WaitingText chars={40} />
        </p>
      ) : messages.data.data.length === 0 ? (
        <p className="soft">None yet.</p>
      ) : (
        <ol className={classes.plain}>
          {messages.data.data.map((d) => {
            const s = deliveryStates[d.state];
            return (
              <li key={d.id} className={own.message}>
                <div className={classes.facts}>
                  <Tone tone={s.tone} icon={s.icon}>
                    {s.text}
                  </Tone>
                  <span className="soft">
                    <Time at={d.created_at} zone={session.organisation.zone} />
                    {d.attempts > 1 && `, ${d.attempts} attempts`}
                    {d.next_at && d.attempts > 0 && (
                      <>
                        , next <Time at={d.next_at} zone={session.organisation.zone} />
                      </>
                    )}
                  </span>
                  {(d.state === 'failed' || d.state === 'off') && may(session, 'resendDelivery') && (
                    <Button size="compact-xs" variant="default" onClick={() => again(d.id)} loading={resend.isPending && resend.variables?.params.path.delivery_id === d.id}>
                      Send again
                    </Button>
                  )}
                </div>
                <p className={own.text}>{d.text}</p>
                {d.detail && <p className="soft">{d.detail}</p>}
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
