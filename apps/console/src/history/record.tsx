import { queryOptions, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf } from '../api/client';
import { messageOf } from '../api/problem';
import type { components } from '../api/schema';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';

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
          <p className="text-warn">The record could not be verified. {messageOf(error)}</p>
        ) : (
          !data && <p className="text-dim">Verifying the record …</p>
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
        <button type="button" className="button" disabled={isFetching} onClick={() => void refetch()}>
          Verify again
        </button>
      </div>
    </div>
  );
}

function Verdict({ verified: { whole, events, findings, truncated } }: { verified: Verified }) {
  if (whole) {
    return (
      <>
        <p className="font-medium text-good">
          The record is whole: {count(events, 'event')}, each sealed by the one before.
        </p>
        <p className="text-dim">
          Each event holds a hash of itself and of the one before, so one that was changed, dropped or put in
          does not fit. The answer and the verdicts are as the events tell.
        </p>
      </>
    );
  }
  return (
    <>
      <p className="font-medium text-bad">
        The record is not whole. This does not fit{truncated && `, the first ${findings.length} of more`}:
      </p>
      <ul
        className="flex max-h-80 list-disc flex-col gap-1 overflow-auto pl-5"
        tabIndex={0}
        aria-label="What does not fit"
      >
        {findings.map((finding, index) => (
          <li key={index} className="break-words">
            {wordsOf(finding)}
          </li>
        ))}
      </ul>
      <p>
        Somebody has changed the database past this system, or it is damaged. Do not rely on what this page
        says, and tell whoever runs the system.
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
