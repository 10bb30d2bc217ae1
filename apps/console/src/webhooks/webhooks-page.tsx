import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf, type WebhookEndpoint } from '../api/client';
import { messageOf } from '../api/problem';
import { BASE } from '../api/base';
import { Button } from '../ui/button';
import { tell } from '../ui/messages';
import { Page } from '../ui/page';
import { Failed, Loading, Notice } from '../ui/states';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';
import { Deliveries, endpointsQuery } from './deliveries';

/** Where results are sent, and what became of each. */
export function WebhooksPage() {
  const { data, error, refetch } = useQuery(endpointsQuery);
  return (
    <Page title="Webhooks" tools={<Button onClick={() => void refetch()}>Refresh</Button>}>
      {error && !data ? (
        <Failed error={error} reset={() => void refetch()} />
      ) : !data ? (
        <Loading what="the endpoints" />
      ) : data.data.length === 0 ? (
        <Notice
          title="No endpoint is notified of results"
          action={
            <a className="button" href={`${BASE}/docs#tag/webhooks`}>
              API reference
            </a>
          }
        >
          POST /v1/webhook-endpoints adds an endpoint. It gets a signed notification when a job ends.
        </Notice>
      ) : (
        <ul className="flex flex-col gap-4">
          {data.data.map((endpoint, index) => (
            <li key={endpoint.id}>
              <Endpoint endpoint={endpoint} first={index === 0} />
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}

function Endpoint({ endpoint, first }: { endpoint: WebhookEndpoint; first: boolean }) {
  const { id, url, disabled_at, disabled_because, created_at } = endpoint;
  const client = useQueryClient();
  const [open, setOpen] = useState(first);
  const ping = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/webhook-endpoints/{id}/ping', { params: { path: { id } } })),
    onSuccess: () => {
      setOpen(true);
      tell({ text: 'A ping is on its way.' });
      return client.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: (error) => tell({ text: `Not pinged. ${messageOf(error)}`, tone: 'bad' }),
  });
  return (
    <section aria-label={url} className="panel flex flex-col gap-2 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="mr-auto font-semibold break-all">{visible(url)}</h2>
        <span className={`chip ${disabled_at === null ? '!text-good' : '!text-bad'}`}>
          {disabled_at === null ? 'notified of every end' : 'switched off'}
        </span>
        <Button disabled={ping.isPending} onClick={() => ping.mutate()}>
          Ping
        </Button>
        <Button aria-expanded={open} aria-controls={`deliveries-${id}`} onClick={() => setOpen(!open)}>
          {open ? 'Hide deliveries' : 'Deliveries'}
        </Button>
      </div>
      <p className="text-dim">Since {moment(created_at)}</p>
      {disabled_at !== null && (
        <p className="text-bad">
          Switched off on {moment(disabled_at)}
          {disabled_because !== null && `: ${visible(disabled_because)}`}. A ping or a redelivery to which it
          replies with 2xx switches it on again.
        </p>
      )}
      <div id={`deliveries-${id}`}>{open && <Deliveries endpointId={id} />}</div>
    </section>
  );
}
