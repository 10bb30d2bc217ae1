import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api, dataOf, type Review, type WebhookDelivery } from '../api/client';
import { messageOf } from '../api/problem';
import { Button } from '../ui/button';
import { Table } from '../ui/table';
import { tell } from '../ui/messages';
import { Failed, Loading } from '../ui/states';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';

/** How often deliveries are looked at while one waits, in milliseconds. */
const LOOK_INTERVAL = 3000;

const STATUS_LOOK = { waiting: 'text-warn', delivered: 'text-good', failed: 'text-bad' } as const;

export const endpointsQuery = queryOptions({
  queryKey: ['webhooks'],
  queryFn: ({ signal }) => dataOf(api.GET('/v1/webhook-endpoints', { signal })),
  staleTime: 0,
});

/** The newest deliveries to an endpoint, each with all its tries. */
export function Deliveries({ endpointId }: { endpointId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['webhooks', endpointId],
    queryFn: ({ signal }) =>
      dataOf(
        api.GET('/v1/webhook-endpoints/{id}/deliveries', { params: { path: { id: endpointId } }, signal }),
      ),
    staleTime: 0,
    refetchInterval: ({ state }) => lookAgain(state.data?.data),
  });
  if (error && !data) return <Failed error={error} reset={() => void refetch()} />;
  if (!data) return <Loading what="the deliveries" />;
  if (data.data.length === 0)
    return (
      <p className="text-dim">
        Nothing has been sent yet. The next job that ends triggers a delivery, and so does a ping.
      </p>
    );
  return <DeliveryTable deliveries={data.data} column="Job" cell={({ job_id }) => <JobLink id={job_id} />} />;
}

/** Whom the end of one job was told, each with all its tries. */
export function JobDeliveries({ job }: { job: Pick<Review, 'id' | 'callback_url' | 'finished_at'> }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['webhooks', 'job', job.id],
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/jobs/{id}/deliveries', { params: { path: { id: job.id } }, signal })),
    staleTime: 0,
    refetchInterval: ({ state }) => lookAgain(state.data?.data),
  });
  const { data: endpoints } = useQuery({ ...endpointsQuery, enabled: (data?.data.length ?? 0) > 0 });
  if (error && !data) return <Failed error={error} reset={() => void refetch()} />;
  if (!data) return <Loading what="the deliveries" />;
  if (data.data.length === 0) {
    return (
      <p className="text-dim">
        {job.finished_at === null
          ? 'Nothing is sent before the job has ended.'
          : 'Nothing was sent: there was no endpoint, and the job has no callback_url.'}
      </p>
    );
  }
  const urlOf = (endpointId: string) => endpoints?.data.find(({ id }) => id === endpointId)?.url;
  return (
    <DeliveryTable
      deliveries={data.data}
      column="To"
      cell={({ endpoint_id }) =>
        endpoint_id === null ? (
          <>
            <span className="break-all">{visible(job.callback_url ?? '')}</span>
            <span className="block text-dim">the job’s callback_url</span>
          </>
        ) : (
          <Link to="/webhooks" className="break-all text-accent underline">
            {visible(urlOf(endpoint_id) ?? 'an endpoint')}
          </Link>
        )
      }
    />
  );
}

const lookAgain = (deliveries?: WebhookDelivery[]) =>
  deliveries?.some(({ status }) => status === 'waiting') ? LOOK_INTERVAL : false;

/** Deliveries, with a column of the caller's own. */
function DeliveryTable({
  deliveries,
  column,
  cell,
}: {
  deliveries: WebhookDelivery[];
  column: string;
  cell: (delivery: WebhookDelivery) => ReactNode;
}) {
  return (
    <Table label="Deliveries" className="max-h-[32rem]">
      <caption className="sr-only">The latest 100 deliveries</caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">{column}</th>
          <th scope="col">Outcome</th>
          <th scope="col">Tries</th>
          <th scope="col">
            <span className="sr-only">What you can do</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <tr key={delivery.id}>
            <td className="whitespace-nowrap text-dim">{moment(delivery.created_at)}</td>
            <td>{delivery.type}</td>
            <td>{cell(delivery)}</td>
            <td>
              <span className={STATUS_LOOK[delivery.status]}>{delivery.status}</span>
              {delivery.status === 'waiting' && delivery.due_at !== null && (
                <span className="block text-dim">next attempt {moment(delivery.due_at)}</span>
              )}
            </td>
            <td className="min-w-48">
              <Tries attempts={delivery.attempts} />
            </td>
            <td className="number">
              {delivery.endpoint_id !== null && (
                <Redeliver endpointId={delivery.endpoint_id} delivery={delivery} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function JobLink({ id }: { id: string | null }) {
  if (id === null) return null;
  return (
    <Link to="/history/$id" params={{ id }} className="mono text-accent underline">
      …{id.slice(-12)}
    </Link>
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
      {attempt.status_code ?? 'no reply'}
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
      tell({ text: 'Queued for redelivery.' });
      return client.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: (error) => tell({ text: `Not sent again. ${messageOf(error)}`, tone: 'bad' }),
  });
  return (
    <Button
      aria-label={`Redeliver ${delivery.type} of ${moment(delivery.created_at)}`}
      disabled={send.isPending}
      onClick={() => send.mutate()}
    >
      Redeliver
    </Button>
  );
}
