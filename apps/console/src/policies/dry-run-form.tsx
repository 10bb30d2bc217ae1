import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type SyntheticEvent } from 'react';
import { api, dataOf, type DryRun } from '../api/client';
import { ApiError, messageOf } from '../api/problem';
import { Button } from '../ui/button';
import { Part } from '../ui/page';
import { Table } from '../ui/table';
import { visible } from '../text/hygiene';

/** Answers that can be tried at once, as the gateway has it. */
const MAX_COUNT = 1000;

const SAMPLE = `version: 1
rules:
  - name: short
    when: size(string(response)) < 400
    outcome: approve
    sample: 0.1
`;

/** Tries a policy on the newest answers. Nothing changes by it. */
export function DryRunForm({ text }: { text: string | null }) {
  const [policy, setPolicy] = useState(text ?? SAMPLE);
  const [last, setLast] = useState(100);
  const trial = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/policies/dry-run', { body: { policy, last } })),
  });
  const run = (event: SyntheticEvent): void => {
    event.preventDefault();
    trial.mutate();
  };
  return (
    <Part
      title="Try another"
      note="Shows what a policy would have done with the latest responses, next to what happened to them. A dry run changes nothing."
    >
      <form className="flex flex-col gap-3" onSubmit={run}>
        <textarea
          className="field mono min-h-64"
          aria-label="The policy to try, in YAML"
          aria-describedby="policy-fault"
          aria-invalid={trial.isError}
          spellCheck={false}
          required
          maxLength={1_048_576}
          value={policy}
          onChange={(event) => setPolicy(event.target.value)}
        />
        <div className="flex flex-wrap items-center gap-3">
          <label className="flex items-center gap-2">
            <span className="text-dim">On the latest</span>
            <input
              type="number"
              className="field w-24"
              min={1}
              max={MAX_COUNT}
              required
              value={last}
              onChange={(event) => setLast(event.target.valueAsNumber)}
            />
            <span className="text-dim">responses</span>
          </label>
          <Button type="submit" look="accent" disabled={trial.isPending}>
            {trial.isPending ? 'Trying …' : 'Try it'}
          </Button>
        </div>
        <div id="policy-fault" role="status">
          {trial.isError && <Faults error={trial.error} />}
        </div>
      </form>
      {trial.data && <Result run={trial.data} />}
    </Part>
  );
}

function Faults({ error }: { error: Error }) {
  const faults = error instanceof ApiError ? (error.problem?.errors ?? []) : [];
  return (
    <div className="text-bad">
      <p>{visible(messageOf(error))}</p>
      <ul>
        {faults.map(({ pointer, detail }, index) => (
          <li key={index}>
            <span className="mono">{visible(pointer)}</span> {visible(detail)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Result({ run }: { run: DryRun }) {
  const { jobs, outcomes, by_rule, warnings, changes, stopped_early } = run;
  return (
    <section aria-label="Result" className="panel flex flex-col gap-4 p-4">
      <p role="status">
        Of {jobs.toLocaleString('en')} responses it would have approved{' '}
        <b>{outcomes.approve.toLocaleString('en')}</b>, rejected <b>{outcomes.reject.toLocaleString('en')}</b>
        , and left <b>{outcomes.human.toLocaleString('en')}</b> to people. Its hash:{' '}
        <span className="mono break-all">{run.hash}</span>
      </p>
      {stopped_early && (
        <p className="text-warn">The time limit was reached: these are the latest responses only.</p>
      )}
      {warnings.map(({ pointer, detail }) => (
        <p key={`${pointer} ${detail}`} className="text-warn">
          <span className="mono">{visible(pointer)}</span> {visible(detail)}
        </p>
      ))}
      <ul className="flex flex-wrap gap-2" aria-label="Responses by rule">
        {by_rule.map(({ rule, jobs: count }) => (
          <li key={rule ?? ''} className="chip">
            {rule === null ? 'no rule' : visible(rule)}: {count.toLocaleString('en')}
          </li>
        ))}
      </ul>
      {changes.length === 0 ? (
        <p className="text-dim">Nothing would have been different.</p>
      ) : (
        <Changes changes={changes} />
      )}
    </section>
  );
}

function Changes({ changes }: { changes: DryRun['changes'] }) {
  return (
    <Table label="What would have been different" className="max-h-[32rem]">
      <caption className="px-2 text-left text-dim">
        What would have been different: {changes.length === 100 ? 'the latest 100' : changes.length}
      </caption>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">It was</th>
          <th scope="col">It would be</th>
          <th scope="col">Decided in the end</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ job_id, before, after }) => (
          <tr key={job_id}>
            <th scope="row">
              <Link to="/history/$id" params={{ id: job_id }} className="mono text-accent underline">
                …{job_id.slice(-12)}
              </Link>
            </th>
            <td>{wordsOf(before)}</td>
            <td>
              {wordsOf(after)}
              {after.because !== null && <span className="block text-warn">{visible(after.because)}</span>}
            </td>
            <td>
              {before.final_verdict ?? <span className="text-dim">not yet</span>}
              {after.outcome === 'approve' && before.final_verdict === 'reject' && (
                <span className="block text-bad">would have been delivered</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function wordsOf({ outcome, rule }: { outcome: string; rule: string | null }): string {
  return `${outcome}, ${rule === null ? 'no rule' : `rule ${visible(rule)}`}`;
}
