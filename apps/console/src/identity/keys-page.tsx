import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, dataOf, type ApiKey, type NewApiKey } from '../api/client';
import { messageOf } from '../api/problem';
import { Button } from '../ui/button';
import { tell } from '../ui/messages';
import { Page, Part } from '../ui/page';
import { Failed, Loading } from '../ui/states';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';
import { NewKeyForm } from './new-key-form';

const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: () => dataOf(api.GET('/v1/keys')),
});

/** Who may sign in, and by which key. */
export function KeysPage() {
  const { data, error, refetch } = useQuery(keysQuery);
  const client = useQueryClient();
  const [created, setCreated] = useState<NewApiKey | null>(null);
  const show = (key: NewApiKey): Promise<void> => {
    setCreated(key);
    return client.invalidateQueries({ queryKey: ['keys'] });
  };
  return (
    <Page title="Keys">
      <Part
        title="New key"
        note="The owner is the name that decisions carry: give each person and each program one of their own."
      >
        <NewKeyForm onCreated={show} />
        {created && <Created created={created} />}
      </Part>
      <Part title="All keys">
        {error && !data ? (
          <Failed error={error} reset={() => void refetch()} />
        ) : !data ? (
          <Loading what="the keys" />
        ) : (
          <ul className="flex flex-col gap-2">
            {data.data.map((key) => (
              <li key={key.id}>
                <KeyRow row={key} onReplaced={show} />
              </li>
            ))}
          </ul>
        )}
      </Part>
    </Page>
  );
}

/** A key that was made just now. */
function Created({ created: { key, owner } }: { created: NewApiKey }) {
  return (
    <label className="panel flex flex-col gap-1 p-3" role="status">
      The key of {visible(owner)}. Copy it now: it is not shown again.
      <input className="field font-mono" readOnly value={key} onFocus={({ target }) => target.select()} />
    </label>
  );
}

function KeyRow({ row, onReplaced }: { row: ApiKey; onReplaced: (key: NewApiKey) => Promise<void> }) {
  const { id, state, owner, role, project, scopes, created_at, expires_at, last_used_at, replaced_by } = row;
  const client = useQueryClient();
  const path = { params: { path: { id } } };
  const revoke = useMutation({
    mutationFn: () => dataOf(api.DELETE('/v1/keys/{id}', path)),
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
    onError: (error) => tell({ text: `Not revoked. ${messageOf(error)}`, tone: 'bad' }),
  });
  const rotate = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/keys/{id}/rotate', { ...path, body: {} })),
    onSuccess: (key) => onReplaced(key),
    onError: (error) => tell({ text: `Not replaced. ${messageOf(error)}`, tone: 'bad' }),
  });
  const times = [
    `created ${moment(created_at)}`,
    last_used_at === null ? 'not used yet' : `last used ${moment(last_used_at)}`,
    expires_at !== null && `expires ${moment(expires_at)}`,
  ];
  return (
    <section aria-label={`Key ${id}`} className="panel flex flex-wrap items-center gap-2 p-3">
      <div className="mr-auto min-w-0">
        <p className="font-semibold break-words">
          <bdi>{visible(owner)}</bdi> <span className="font-normal text-dim">hitl_{id}</span>
        </p>
        <p className="text-dim">
          {role} of {project}
          {scopes !== null && ` (${scopes.join(', ')})`}, {times.filter(Boolean).join(', ')}
        </p>
      </div>
      <span className={`chip ${state === 'active' ? '!text-good' : '!text-bad'}`}>{state}</span>
      {state === 'active' && (
        <>
          {replaced_by === null && (
            <Button disabled={rotate.isPending} onClick={() => rotate.mutate()}>
              Replace
            </Button>
          )}
          <Button disabled={revoke.isPending} onClick={() => revoke.mutate()}>
            Revoke
          </Button>
        </>
      )}
    </section>
  );
}
