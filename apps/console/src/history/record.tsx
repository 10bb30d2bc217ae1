import { queryOptions, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf } from '../api/client';
import { messageOf } from '../api/problem';
import type { components } from '../api/schema';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';
import { Button } from '../ui/button';

type Verified = components['schemas']['ChainDto'];
export type Finding = Verified['findings'][number];

/** Whether the record of a job fits together: each verification is made anew. */
export const recordQuery = (id: string) =>
  queryOptions({
    queryKey: ['record', id],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/reviews/{id}/chain', { params: { path: { id } }, signal })),
    staleTime: 0,
    gcTime: 0,
  });

/** What the verification of a job's record has found, and when. */
export function RecordVerdict({ data, error, isFetching, refetch }: UseQueryResult<Verified>) {
  return (
    <div className="panel flex flex-col gap-2 p-3">
      <div role="status" className="flex flex-col gap-2">
        {data && <Verdict verified={data} />}
        {error ? (
          <p className="text-warn">The audit log could not be verified. {messageOf(error)}</p>
        ) : (
          !data && <p className="text-dim">Verifying the audit log …</p>
        )}
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <span className="mr-auto text-dim">
          {data && (
            <>
              Verified <time dateTime={data.verified_at}>{moment(data.verified_at)}</time>
            </>
          )}
        </span>
        <Button disabled={isFetching} onClick={() => void refetch()}>
          Verify again
        </Button>
      </div>
    </div>
  );
}

function Verdict({ verified: { whole, events, findings, truncated } }: { verified: Verified }) {
  if (whole) {
    return (
      <>
        <p className="font-medium text-good">
          The audit log is intact: {count(events, 'event')}, each linked to the one before.
        </p>
        <p className="text-dim">
          Each event has a hash over its content and the hash of the event before, so an event that was
          changed, removed or inserted does not match. The response and the verdicts match the events.
        </p>
      </>
    );
  }
  return (
    <>
      <p className="font-medium text-bad">
        The audit log is not intact. These entries do not match
        {truncated && `, the first ${findings.length} of more`}:
      </p>
      <ul
        className="flex max-h-80 list-disc flex-col gap-1 overflow-auto pl-5"
        tabIndex={0}
        aria-label="What does not match"
      >
        {findings.map((finding, index) => (
          <li key={index} className="break-words">
            {wordsOf(finding)}
          </li>
        ))}
      </ul>
      <p>
        The database was changed outside this system, or is damaged. Do not rely on what this page shows, and
        notify your administrator.
      </p>
    </>
  );
}

/** What does not fit, after the event where there is one. */
export function wordsOf({ seq, type, what }: Finding): string {
  if (seq === null) return visible(what);
  return visible(`Event ${seq} (${String(type).replaceAll('_', ' ')}) ${what}`);
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
