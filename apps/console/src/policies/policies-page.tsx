import { useQuery } from '@tanstack/react-query';
import { api, dataOf, type CurrentPolicy } from '../api/client';
import { Page, Part } from '../ui/page';
import { Failed, Loading } from '../ui/states';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';
import { DryRunForm } from './dry-run-form';
import { ladderOf, outcomeOf, reviewersOf } from './rule-words';

/** How often the policy is read again, in milliseconds: its file may change. */
const READ_EVERY = 15_000;

/** The policy in force, and a try of another. */
export function PoliciesPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['policy'],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/policies/current', { signal })),
    refetchInterval: READ_EVERY,
    staleTime: 0,
  });
  return (
    <Page title="Policies">
      {error && !data ? (
        <Failed error={error} reset={() => void refetch()} />
      ) : data ? (
        <>
          {data.error !== null && (
            <div role="alert" className="rounded-lg border border-bad bg-panel p-3">
              <p className="font-semibold text-bad">
                The policy file is invalid, so its current content is not in force.
              </p>
              <p className="mono break-words whitespace-pre-wrap">{visible(data.error)}</p>
              <p className="text-dim">
                {data.configured ? 'The policy below is still in force. ' : ''}Fix the file; it is reloaded
                automatically.
              </p>
            </div>
          )}
          {data.configured ? <InForce policy={data} /> : <None />}
          <DryRunForm text={data.text} />
        </>
      ) : (
        <Loading what="the policy" />
      )}
    </Page>
  );
}

function None() {
  return (
    <Part title="No policy">
      <p className="max-w-prose text-dim">
        Any reviewer can decide on any response. Set REVIEW_POLICY_FILE to a file that says who must review
        what, how many reviewers must agree, by when, and what needs no review. Try it below before it goes
        live.
      </p>
    </Part>
  );
}

function InForce({ policy }: { policy: CurrentPolicy }) {
  const { hash, loaded_at, groups, reject_reasons, rules, text } = policy;
  return (
    <>
      <Part
        title="In force"
        note={
          <>
            {loaded_at !== null && `Since ${moment(loaded_at)}. `}
            Its hash, recorded with each decision: <span className="mono break-all">{hash}</span>
          </>
        }
      >
        <div className="panel relative overflow-x-auto p-2" tabIndex={0} role="group" aria-label="Rules">
          <table className="figures">
            <caption className="sr-only">Rules: the first one whose condition is true applies</caption>
            <thead>
              <tr>
                <th scope="col">Rule</th>
                <th scope="col">When</th>
                <th scope="col">Then</th>
                <th scope="col">Reviewed by</th>
                <th scope="col">While it waits</th>
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <tr key={rule.name}>
                  <th scope="row" className="!font-medium">
                    {visible(rule.name)}
                  </th>
                  <td className="mono max-w-md min-w-48 break-words">
                    {rule.when === null ? <span className="text-dim">always</span> : visible(rule.when)}
                  </td>
                  <td className="min-w-40">
                    {outcomeOf(rule)}
                    {rule.submitter_message !== null && (
                      <span className="block text-dim">
                        To the submitter: {visible(rule.submitter_message)}
                      </span>
                    )}
                  </td>
                  <td className="min-w-28">{visible(reviewersOf(rule))}</td>
                  <td className="min-w-32">
                    {ladderOf(rule).map((step) => (
                      <span key={step} className="block">
                        {visible(step)}
                      </span>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="px-2 py-1 text-dim">
            {rules.length === 0 ? 'There are no rules: ' : 'Applied from top to bottom. If no rule matches, '}
            the file’s defaults say who reviews.
          </p>
        </div>
      </Part>
      <div className="grid gap-6 sm:grid-cols-2">
        <Part title="Groups">
          <dl className="panel grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 p-3">
            {Object.entries(groups).map(([name, members]) => (
              <div key={name} className="contents">
                <dt className="font-medium">{visible(name)}</dt>
                <dd className="break-words text-dim">{visible(members.join(', '))}</dd>
              </div>
            ))}
            {Object.keys(groups).length === 0 && <dt className="text-dim">There are none.</dt>}
          </dl>
        </Part>
        <Part title="Reasons to reject">
          <dl className="panel grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 p-3">
            {reject_reasons.map(({ code, label }) => (
              <div key={code} className="contents">
                <dt className="mono">{visible(code)}</dt>
                <dd className="break-words text-dim">{visible(label)}</dd>
              </div>
            ))}
            {reject_reasons.length === 0 && <dt className="text-dim">Any, in the reviewer’s own words.</dt>}
          </dl>
        </Part>
      </div>
      {text !== null && (
        <details>
          <summary className="cursor-pointer text-accent">The file</summary>
          <pre
            className="panel mono mt-2 max-h-96 overflow-auto p-3"
            tabIndex={0}
            aria-label="The file"
            role="group"
          >
            {visible(text)}
          </pre>
        </details>
      )}
    </>
  );
}
