import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, dataOf, type WebhookDelivery } from '../api/client';
import { messageOf } from '../api/problem';
import { tell } from '../shell/messages';
import { Failed, Loading } from '../shell/states';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';

/** How often deliveries are looked at while one waits, in milliseconds. */
const LOOK_EVERY = 3000;

const STATUS_LOOK = { waiting: 'text-warn', delivered: 'text-good', failed: 'text-bad' } as const;

/** The newest deliveries to an endpoint, each with all its tries. */
export function Deliveries({ endpointId }: { endpointId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['webhooks', endpointId],
    queryFn: ({ signal }) =>
      dataOf(
        api.GET('/v1/webhook-endpoints/{id}/deliveries', { params: { path: { id: endpointId } }, signal }),
      ),
    staleTime: 0,
    refetchInterval: ({ state }) =>
      state.data?.data.some(({ status }) => status === 'waiting') ? LOOK_EVERY : false,
  });
  if (error && !data) return <Failed error={error} reset={() => void refetch()} />;
  if (!data) return <Loading what="the deliveries" />;
  if (data.data.length === 0)
    return <p className="text-dim">Nothing was sent yet: the next job that ends is, and so is a ping.</p>;
  return (
    <div className="relative max-h-[32rem] overflow-auto" tabIndex={0} role="group" aria-label="Deliveries">
      <table className="figures">
        <caption className="sr-only">The newest 100 deliveries</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">Job</th>
            <th scope="col">Outcome</th>
            <th scope="col">Tries</th>
            <th scope="col">
              <span className="sr-only">What you can do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {data.data.map((delivery) => (
            <tr key={delivery.id}>
              <td className="whitespace-nowrap text-dim">{moment(delivery.created_at)}</td>
              <td>{delivery.type}</td>
              <td>
                {delivery.job_id !== null && (
                  <Link
                    to="/history/$id"
                    params={{ id: delivery.job_id }}
                    className="mono text-accent underline"
                  >
                    …{delivery.job_id.slice(-12)}
                  </Link>
                )}
              </td>
              <td>
                <span className={STATUS_LOOK[delivery.status]}>{delivery.status}</span>
                {delivery.status === 'waiting' && delivery.due_at !== null && (
                  <span className="block text-dim">next try {moment(delivery.due_at)}</span>
                )}
              </td>
              <td className="min-w-48">
                <Tries attempts={delivery.attempts} />
              </td>
              <td className="number">
                <Redeliver endpointId={endpointId} delivery={delivery} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Tries({ attempts }: { attempts: WebhookDelivery['attempts'] }) {
  const [newest, ...older] = attempts;
  if (!newest) return <span className="text-dim">none yet</span>;
  return (
    <>
      <Try attempt={newest} />
      {older.length > 0 && (
        <details>
          <summary className="cursor-pointer text-accent">{older.length} before</summary>
          {older.map((attempt, index) => (
            <Try key={index} attempt={attempt} />
          ))}
        </details>
      )}
    </>
  );
}

function Try({ attempt }: { attempt: WebhookDelivery['attempts'][number] }) {
  return (
    <p className="break-words">
      {attempt.status_code ?? 'no answer'}
      {attempt.error !== null && `: ${visible(attempt.error)}`}
      <span className="block text-xs text-dim">
        {moment(attempt.created_at)}, took {attempt.duration_ms.toLocaleString('en')} ms
      </span>
    </p>
  );
}

function Redeliver({ endpointId, delivery }: { endpointId: string; delivery: WebhookDelivery }) {
  const client = useQueryClient();
  const send = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST('/v1/webhook-endpoints/{id}/deliveries/{deliveryId}/redeliver', {
          params: { path: { id: endpointId, deliveryId: delivery.id } },
        }),
      ),
    onSuccess: () => {
      tell({ text: 'It is on its way again.' });
      return client.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: (error) => tell({ text: `Not sent again. ${messageOf(error)}`, tone: 'bad' }),
  });
  return (
    <button
      type="button"
      className="button"
      aria-label={`Redeliver ${delivery.type} of ${moment(delivery.created_at)}`}
      disabled={send.isPending}
      onClick={() => send.mutate()}
    >
      Redeliver
    </button>
  );
}
