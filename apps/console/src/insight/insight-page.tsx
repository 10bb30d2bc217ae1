import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { api, dataOf, type Stats } from '../api/client';
import { exportOf } from '../api/export-address';
import { Button } from '../ui/button';
import { Typed } from '../ui/typed';
import { Page, Part } from '../ui/page';
import { Failed, Loading } from '../ui/states';
import { visible } from '../text/hygiene';
import { Figures } from './figures';
import { decisionsOf, waitsOf } from './sources';
import { ThroughputPlot } from './throughput-plot';
import { Verdicts } from './verdicts';
import { SPANS, DEFAULT_SPAN, viewOf, type Span, type View } from './view';

const route = getRouteApi('/insight');

/** How often the figures are read again, in milliseconds. */
const READ_EVERY = 30_000;

/** How the desk does: what waits, what was decided, how long it took, who agrees. */
export function InsightPage() {
  const view = route.useSearch();
  const navigate = route.useNavigate();
  const span = view.window ?? DEFAULT_SPAN;
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
              <Button
                key={each}

                aria-pressed={each === span}
                onClick={() => set({ window: each })}
              >
                {SPANS[each].name}
              </Button>
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
              These figures are out of date because the server did not respond. They are refreshed every 30
              seconds.
            </p>
          )}
          <Report stats={data} view={view} hours={span === '24h'} />
        </div>
      ) : (
        <Loading what="the figures" />
      )}
    </Page>
  );
}

function Report({ stats, view, hours }: { stats: Stats; view: View; hours: boolean }) {
  const { model, group } = view;
  const waits = waitsOf(view);
  const decisions = decisionsOf(stats.window, view);
  const filters = { ...stats.window, model };
  return (
    <>
      <Figures stats={stats} waits={waits} decisions={decisions} />
      {stats.waiting.by_group.some((each) => each.group !== null) && (
        <Part title="Waiting by group">
          <ul className="flex max-h-32 flex-wrap gap-2 overflow-auto">
            {stats.waiting.by_group.map((each) => (
              <li key={each.group ?? ''}>
                <Link
                  to="/queue"
                  search={{
                    ...waits,
                    ...(each.group === null ? { without: 'group' } : { group: each.group }),
                  }}
                  className="chip !text-accent"
                >
                  {each.group === null ? 'for everyone' : visible(each.group)}:{' '}
                  {each.count.toLocaleString('en')}
                </Link>
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Part title="Decisions over time">
        <ThroughputPlot
          throughput={stats.throughput}
          until={stats.window.to}
          hours={hours}
          decisions={decisions}
        />
      </Part>
      <Verdicts verdicts={stats.verdicts} waits={waits} decisions={decisions} />
      <Part
        title="Downloads"
        note={`Of this window${model === undefined ? '' : ' and model'}${group === undefined ? '' : ', of every group'}, from jobs that have ended.`}
      >
        <div className="flex flex-wrap gap-2">
          <a className="button" href={exportOf('decisions.csv', filters)} download>
            Decisions (CSV)
          </a>
          <a className="button" href={exportOf('sft.jsonl', filters)} download>
            Approved responses (JSONL)
          </a>
          <a className="button" href={exportOf('preferences.jsonl', filters)} download>
            Preferences (JSONL)
          </a>
        </div>
      </Part>
    </>
  );
}
