import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, dataOf } from '../api/client';
import { messageOf } from '../api/problem';
import { Button } from '../ui/button';
import { Key } from '../ui/act';
import { useKeys } from '../keys/use-keys';
import { duplicateFault, duplicateIn, jsonSource, type JsonSource } from '../json/source';
import { reviewQuery } from '../api/review-queries';

/** How often the new job is looked at until the model has answered, in milliseconds. */
const LOOK_INTERVAL = 400;
const JOB_FINAL = new Set(['success', 'fail']);

const SAMPLE = JSON.stringify({ input: 'What is 2 + 2?' }, null, 2);

/** Submits a request and leads to the job once it waits. */
export function TryPage() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [kind, setKind] = useState<'chat' | 'json'>('chat');
  const [model, setModel] = useState('demo');
  const [question, setQuestion] = useState('');
  const [json, setJson] = useState(SAMPLE);
  const [priority, setPriority] = useState(0);

  const submit = useMutation({
    mutationFn: async (payload: JsonSource) => {
      const job = await dataOf(api.POST('/v1/jobs', { body: { payload, priority, metadata: {} } }));
      return job.id;
    },
  });
  const { data: id } = submit;
  useEffect(() => {
    if (id === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    let left = false;
    const look = async (): Promise<void> => {
      const job = await client.query({ ...reviewQuery(id), staleTime: 0 }).catch(() => null);
      if (left) return;
      if (job && (job.status === 'human' || JOB_FINAL.has(job.status))) {
        void navigate({ to: '/review/$id', params: { id } });
      } else {
        timer = setTimeout(() => void look(), LOOK_INTERVAL);
      }
    };
    void look();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [client, id, navigate]);

  const fault = kind === 'json' ? faultOf(json) : null;
  const isReady =
    !submit.isPending && id === undefined && (kind === 'json' ? fault === null : question.trim() !== '');
  const send = (): void => {
    if (kind === 'json') {
      submit.mutate(jsonSource(json));
    } else {
      const chat = { model, messages: [{ role: 'user', content: question }] };
      submit.mutate(jsonSource(JSON.stringify(chat)));
    }
  };
  useKeys(isReady ? { save: send } : {});
  return (
    <div className="overflow-auto">
      <form
        className="mx-auto flex max-w-2xl flex-col gap-4 p-6"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) send();
        }}
      >
        <div>
          <h1 className="text-lg font-semibold">Try it</h1>
          <p className="text-dim">
            Send a request as an application would. The model responds, the response waits, and you decide.
          </p>
        </div>
        <div role="group" aria-label="Kind of request" className="flex gap-1">
          {(['chat', 'json'] as const).map((each) => (
            <Button
              key={each}

              aria-pressed={kind === each}
              onClick={() => setKind(each)}
            >
              {each === 'chat' ? 'A question' : 'Raw JSON'}
            </Button>
          ))}
        </div>
        {kind === 'chat' ? (
          <>
            <label className="flex flex-col gap-1">
              <span className="text-dim">Question</span>
              <textarea
                className="field min-h-32"
                autoFocus
                value={question}
                placeholder="What do you want to ask the model?"
                onChange={(event) => setQuestion(event.target.value)}
              />
            </label>
            <label className="flex flex-col gap-1">
              <span className="text-dim">Model</span>
              <input
                className="field"
                required
                maxLength={200}
                value={model}
                onChange={(event) => setModel(event.target.value)}
              />
            </label>
          </>
        ) : (
          <label className="flex flex-col gap-1">
            <span className="text-dim">Payload: any JSON</span>
            <textarea
              className="field mono min-h-48"
              value={json}
              spellCheck={false}
              aria-invalid={fault !== null}
              aria-describedby="json-fault"
              onChange={(event) => setJson(event.target.value)}
            />
            <span id="json-fault" role="status" className="text-bad">
              {fault}
            </span>
          </label>
        )}
        <label className="flex items-center gap-2">
          <span className="text-dim">Priority</span>
          <select
            className="field"
            value={priority}
            onChange={(event) => setPriority(Number(event.target.value))}
          >
            {[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
          <span className="text-dim">9 is shown first</span>
        </label>
        <div className="flex items-center gap-3">
          <Button type="submit" look="accent" disabled={!isReady}>
            Submit <Key of="save" />
          </Button>
          <span role="status" className={submit.isError ? 'text-bad' : 'text-dim'}>
            {submit.isError
              ? messageOf(submit.error)
              : id !== undefined && 'Submitted. Waiting for the model’s response …'}
          </span>
        </div>
      </form>
    </div>
  );
}

function faultOf(text: string): string | null {
  try {
    const duplicate = duplicateIn(jsonSource(text));
    return duplicate && `${duplicateFault(duplicate)}.`;
  } catch (error) {
    return `This is not JSON: ${messageOf(error)}`;
  }
}
