import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api, dataOf, type Stats } from '../api/client';
import { Typed } from '../queue/filter-bar';
import { Page, Part } from '../shell/page';
import { Failed, Loading } from '../shell/states';
import { useNow } from '../text/clock';
import { visible } from '../text/hygiene';
import { age, duration } from '../text/time';
import { totalOf, type Counts } from './scale';
import { ThroughputPlot } from './throughput-plot';
import { VerdictTable } from './verdict-table';
import { exportOf, percent, SPANS, USUAL_SPAN, viewOf, type Span, type View } from './view';

const route = getRouteApi('/insight');

/** How often the figures are read again, in milliseconds. */
const READ_EVERY = 30_000;

const NONE = 'none in this window';

/** How the desk does: what waits, what was decided, how long it took, who agrees. */
export function InsightPage() {
  const view = route.useSearch();
  const navigate = route.useNavigate();
  const span = view.window ?? USUAL_SPAN;
  const { model, group } = view;
  const { data, error, isPlaceholderData, refetch } = useQuery({
    queryKey: ['stats', span, model, group],
    queryFn: ({ signal }) =>
      dataOf(
        api.GET('/v1/stats', {
          params: {
            query: {
              from: new Date(Date.now() - SPANS[span].ms).toISOString(),
              ...(model !== undefined && { model }),
              ...(group !== undefined && { group }),
            },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: READ_EVERY,
    staleTime: 0,
  });
  const set = (change: Record<string, string>): void => {
    void navigate({ search: viewOf({ ...view, ...change }), replace: true });
  };
  return (
    <Page
      title="Insight"
      tools={
        <>
          <div role="group" aria-label="Window" className="flex gap-1">
            {(Object.keys(SPANS) as Span[]).map((each) => (
              <button
                key={each}
                type="button"
                className="button"
                aria-pressed={each === span}
                onClick={() => set({ window: each })}
              >
                {SPANS[each].name}
              </button>
            ))}
          </div>
          <Typed
            value={model ?? ''}
            label="Model"
            onChange={(text) => set({ model: text })}
            className="w-36"
          />
          <Typed
            value={group ?? ''}
            label="Group"
            onChange={(text) => set({ group: text })}
            className="w-32"
          />
        </>
      }
    >
      {error && !data ? (
        <Failed error={error} reset={() => void refetch()} />
      ) : data ? (
        <div className={`flex flex-col gap-6 ${isPlaceholderData ? 'opacity-60' : ''}`}>
          {error && (
            <p role="alert" className="text-warn">
              These figures are old: the server did not answer. They are read again every half minute.
            </p>
          )}
          <Figures stats={data} view={view} hours={span === '24h'} />
        </div>
      ) : (
        <Loading what="the figures" />
      )}
    </Page>
  );
}

function Figures({ stats, view, hours }: { stats: Stats; view: View; hours: boolean }) {
  const { model, group } = view;
  const waiting = { ...(model !== undefined && { model }), ...(group !== undefined && { group }) };
  const filters = { ...stats.window, model };
  /** Exports know no group: with one, their rows would not be these. */
  const decisions = (one: Record<string, string | null>): ((verdict: keyof Counts) => string) | null =>
    group !== undefined || Object.values(one).includes(null)
      ? null
      : (verdict) => exportOf('decisions.csv', { ...filters, ...one, verdict });
  const { verdicts, edit_distance, agreement, deadlines } = stats;
  return (
    <>
      <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Waiting waiting={stats.waiting} filters={waiting} />
        <Time name="Time to decide" of={stats.time_to_decide_ms} />
        <Time name="Time to claim" of={stats.time_to_claim_ms} />
        <Figure name="Decided" value={stats.decided.toLocaleString('en')}>
          of them by the policy alone: {totalOf(verdicts.automatic.total).toLocaleString('en')}
        </Figure>
        <Figure name="Changed by an edit" value={percent(edit_distance.p50)}>
          {edit_distance.p50 === null
            ? NONE
            : `or less of the text for half; mean ${percent(edit_distance.mean)}, nine of ten up to ${percent(edit_distance.p90)}`}
        </Figure>
        <Agreement name="Two people agree" of={agreement.double} />
        <Agreement name="Shadowed rules agree" of={agreement.shadow} />
        <Figure
          name="Deadlines missed"
          value={(deadlines.expired + deadlines.approved_at_deadline).toLocaleString('en')}
        >
          {deadlines.expired.toLocaleString('en')} expired,{' '}
          {deadlines.approved_at_deadline.toLocaleString('en')} approved by the policy
        </Figure>
      </dl>
      {stats.waiting.by_group.some((each) => each.group !== null) && (
        <Part title="Waiting by group">
          <ul className="flex max-h-32 flex-wrap gap-2 overflow-auto">
            {stats.waiting.by_group.map((each) => (
              <li key={each.group ?? ''}>
                {each.group === null ? (
                  <span className="chip">for everybody: {each.count.toLocaleString('en')}</span>
                ) : (
                  <Link to="/queue" search={{ ...waiting, group: each.group }} className="chip !text-accent">
                    {visible(each.group)}: {each.count.toLocaleString('en')}
                  </Link>
                )}
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Part title="Decisions over time">
        <ThroughputPlot throughput={stats.throughput} hours={hours} />
      </Part>
      {totalOf(verdicts.total) + totalOf(verdicts.automatic.total) === 0 ? (
        <p className="text-dim">Nobody has judged an answer in this window: there are no shares to show.</p>
      ) : (
        <Part
          title="Verdicts"
          note="A name leads to what waits of it; a number downloads the decisions behind it, the policy’s included, as far as their jobs have ended."
        >
          <VerdictTable
            title="Verdicts by model"
            of="Model"
            rows={verdicts.by_model.map((row) => ({
              key: row.model ?? '',
              name: <Name of="model" name={row.model} none="no model" waiting={waiting} />,
              counts: row,
              file: decisions({ model: row.model }),
            }))}
          />
          <VerdictTable
            title="Verdicts by rule"
            of="Rule"
            rows={verdicts.by_rule.map((row) => ({
              key: row.rule ?? '',
              name: <Name of="rule" name={row.rule} none="no rule" waiting={waiting} />,
              counts: row,
              file: decisions({ rule: row.rule }),
            }))}
          />
          <VerdictTable
            title="Verdicts by reviewer"
            of="Reviewer"
            rows={verdicts.by_reviewer.map((row) => ({
              key: row.reviewer,
              name: <Name of="claimed_by" name={row.reviewer} none="" waiting={waiting} />,
              counts: row,
              file: decisions({ reviewer: row.reviewer }),
            }))}
          />
          {totalOf(verdicts.automatic.total) > 0 && (
            <VerdictTable
              title="Verdicts of the policy, without a person"
              of="Policy alone"
              rows={verdicts.automatic.by_rule.map((row) => ({
                key: row.rule ?? '',
                name: <Name of="rule" name={row.rule} none="no rule" waiting={waiting} />,
                counts: row,
                file: null,
              }))}
            />
          )}
        </Part>
      )}
      <Part
        title="Downloads"
        note={`Of this window${model === undefined ? '' : ' and model'}${group === undefined ? '' : ', of every group'}, from jobs that have ended.`}
      >
        <div className="flex flex-wrap gap-2">
          <a className="button" href={exportOf('decisions.csv', filters)} download>
            Decisions (CSV)
          </a>
          <a className="button" href={exportOf('sft.jsonl', filters)} download>
            Approved answers (JSONL)
          </a>
          <a className="button" href={exportOf('preferences.jsonl', filters)} download>
            Preferences (JSONL)
          </a>
        </div>
      </Part>
    </>
  );
}

type Waits = Pick<View, 'model' | 'group'>;

function Waiting({ waiting, filters }: { waiting: Stats['waiting']; filters: Waits }) {
  const now = useNow();
  return (
    <Figure
      name="Waiting now"
      value={
        <Link to="/queue" search={filters} className="text-accent underline underline-offset-4">
          {waiting.count.toLocaleString('en')}
        </Link>
      }
    >
      {waiting.oldest_since === null ? 'nothing waits' : `the oldest for ${age(waiting.oldest_since, now)}`}
    </Figure>
  );
}

function Agreement({
  name,
  of: { pairs, agreed, kappa },
}: {
  name: string;
  of: Stats['agreement']['double'];
}) {
  return (
    <Figure name={name} value={percent(pairs === 0 ? null : agreed / pairs)}>
      {pairs === 0
        ? NONE
        : `${agreed.toLocaleString('en')} of ${pairs.toLocaleString('en')} pairs; Cohen’s kappa ${kappa === null ? 'is not defined' : kappa.toFixed(2)}`}
    </Figure>
  );
}

function Time({ name, of: { p50, p90 } }: { name: string; of: Stats['time_to_decide_ms'] }) {
  return (
    <Figure name={name} value={time(p50)}>
      {p50 === null ? NONE : `or less for half; nine of ten within ${time(p90)}`}
    </Figure>
  );
}

function Figure({ name, value, children }: { name: string; value: ReactNode; children: ReactNode }) {
  return (
    <div className="panel flex flex-col px-4 py-3">
      <dt className="text-dim">{name}</dt>
      <dd className="text-2xl font-semibold tabular-nums">{value}</dd>
      <dd className="text-xs text-dim">{children}</dd>
    </div>
  );
}

interface NameProps {
  of: 'model' | 'rule' | 'claimed_by';
  name: string | null;
  none: string;
  waiting: Waits;
}

function Name({ of, name, none, waiting }: NameProps) {
  if (name === null) return <em className="text-dim">{none}</em>;
  return (
    <Link
      to="/queue"
      search={{ ...waiting, [of]: name }}
      className="text-accent"
      title={`What waits: ${visible(name)}`}
    >
      {visible(name)}
    </Link>
  );
}

function time(ms: number | null): string {
  return ms === null ? '–' : ms < 1000 ? 'under 1s' : duration(ms);
}
