import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Fragment, type ReactNode } from 'react';
import type { History, Review } from '../api/client';
import { Act } from '../ui/act';
import { HistoryPanel } from '../review/history-panel';
import { titleOf } from '../review/request/title';
import { RequestView } from '../review/request/request-view';
import { historyQuery, reviewQuery } from '../api/review-queries';
import { JobDeliveries } from '../webhooks/deliveries';
import { Page, Part } from '../ui/page';
import { Failed, Loading } from '../ui/states';
import { Table } from '../ui/table';
import { visible } from '../text/hygiene';
import { moment, timeOfDay } from '../text/time';
import { recordQuery, RecordVerdict, wordsOf, type Finding } from './record';

const route = getRouteApi('/history/$id');

/** The whole story of one job: what was asked, every answer, every verdict, everything that happened. */
export function HistoryPage() {
  const { id } = route.useParams();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(reviewQuery(id));
  return (
    <Page
      title={data ? titleOf(data) : 'History'}
      tools={
        <>
          <Link to="/review/$id" params={{ id }} className="button">
            To the review
          </Link>
          <Act command="leave" look="quiet" onAct={() => void navigate({ to: '/queue' })}>
            Queue
          </Act>
        </>
      }
    >
      {error && !data ? (
        <Failed error={error} reset={() => void refetch()} />
      ) : data ? (
        <Story review={data} />
      ) : (
        <Loading what="the job" />
      )}
    </Page>
  );
}

function Story({ review }: { review: Review }) {
  const { id, updated_at: version } = review;
  const history = useQuery(historyQuery(id, version)).data;
  const record = useQuery(recordQuery(id));
  return (
    <div className="grid grid-cols-1 gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <HistoryPanel id={id} version={version} />
      <div className="flex min-w-0 flex-col gap-6">
        <Part title="The job">
          <Facts review={review} />
        </Part>
        <Part title="Audit log">
          <RecordVerdict {...record} />
        </Part>
        <Part title="What was asked">
          <div
            className="panel max-h-96 overflow-auto p-3"
            tabIndex={0}
            role="group"
            aria-label="What was asked"
          >
            {review.erased_at === null ? (
              <RequestView payload={review.payload} raw={false} />
            ) : (
              <p>It is erased.</p>
            )}
          </div>
        </Part>
        {history && (
          <Part title="Events">
            <Events events={history.events} findings={record.data?.findings ?? []} />
          </Part>
        )}
      </div>
      <div className="lg:col-span-2">
        <Part title="Webhooks" note="Receivers that were notified of the end of the job.">
          <div className="panel p-3">
            <JobDeliveries job={review} />
          </div>
        </Part>
      </div>
    </div>
  );
}

function Facts({ review }: { review: Review }) {
  const { failure, review: plan } = review;
  return (
    <dl className="panel grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 p-3">
      <Fact name="Job">
        <span className="mono">{review.id}</span>
      </Fact>
      <Fact name="Status">
        {review.status}
        {failure && `: ${failure.reason.replaceAll('_', ' ')}`}
        {plan.held &&
          `: ${plan.held.verdict} by ${plan.held.by} takes effect at ${timeOfDay(plan.held.until)}`}
      </Fact>
      {failure?.detail && <Fact name="Because">{visible(failure.detail)}</Fact>}
      <Fact name="From">{visible(review.submitter)}</Fact>
      {review.model !== null && <Fact name="Model">{visible(review.model)}</Fact>}
      {plan.rule !== null && <Fact name="Rule">{visible(plan.rule)}</Fact>}
      {plan.policy_hash !== null && (
        <Fact name="Policy">
          <span className="mono break-all">{plan.policy_hash}</span>
        </Fact>
      )}
      {plan.group !== null && <Fact name="Group">{visible(plan.group)}</Fact>}
      <Fact name="Approvals">
        {plan.approved_by.length} of {plan.approvals}
        {plan.approved_by.length > 0 && `: ${visible(plan.approved_by.join(', '))}`}
      </Fact>
      <Fact name="Submitted">{moment(review.created_at)}</Fact>
      {plan.deadline_at !== null && <Fact name="Deadline">{moment(plan.deadline_at)}</Fact>}
      {review.finished_at !== null && <Fact name="Ended">{moment(review.finished_at)}</Fact>}
      {review.erased_at !== null && <Fact name="Erased">{moment(review.erased_at)}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-dim">{name}</dt>
      <dd className="break-words">{children}</dd>
    </>
  );
}

/**
 * Everything that happened, in its order, each with the policy in force where one played a part, and what of it does
 * not fit the rest of the record.
 */
function Events({ events, findings }: { events: History['events']; findings: Finding[] }) {
  return (
    <Table label="Events" className="panel max-h-[40rem] p-2">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">Who</th>
          <th scope="col">Policy</th>
          <th scope="col" className="number">
            Answer
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <Fragment key={event.id}>
            <tr>
              <td className="text-dim">
                <time dateTime={event.at}>{moment(event.at)}</time>
              </td>
              <td>{event.type.replaceAll('_', ' ')}</td>
              <td className="break-words">{visible(event.actor)}</td>
              <td className="mono" title={event.policy_hash ?? undefined}>
                {event.policy_hash?.slice(0, 8)}
              </td>
              <td className="number">{event.revision}</td>
            </tr>
            {findings
              .filter(({ event_id }) => event_id === event.id)
              .map((finding) => (
                <tr key={finding.what} className="border-t-0">
                  <td colSpan={5} className="break-words text-bad">
                    {wordsOf(finding)}
                  </td>
                </tr>
              ))}
          </Fragment>
        ))}
      </tbody>
    </Table>
  );
}
