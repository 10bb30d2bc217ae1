import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, useCanGoBack, useNavigate, useRouter } from '@tanstack/react-router';
import { api, dataOf, type ListedDecision } from '../api/client';
import { UNIONS } from '../api/unions';
import { messageOf } from '../api/problem';
import { LOOKS } from '../verdicts/looks';
import { exportOf } from '../api/export-address';
import { Button } from '../ui/button';
import { Act } from '../ui/act';
import { Typed } from '../ui/typed';
import { Page } from '../ui/page';
import { Failed, Loading, Notice } from '../ui/states';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';
import { decisionFiltersOf, exportFiltersOf, type DecisionFilters } from './decision-filters';
import { DecisionTable } from './decision-table';

const route = getRouteApi('/decisions');

/** Rows that are loaded at once. */
const PAGE = 100;
/** Requests for them at most: the server may look through thousands of decisions and find none. */
const MAX_REQUESTS = 10;

const NAMED = [
  { name: 'model', label: 'Model' },
  { name: 'rule', label: 'Rule' },
  { name: 'reviewer', label: 'Reviewer' },
  { name: 'group', label: 'Group' },
] as const;

/** The decisions behind a figure, newest first. */
export function DecisionsPage() {
  const filters = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, isPlaceholderData, isFetching, hasNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey: ['decisions', filters],
      queryFn: ({ pageParam, signal }) => load(filters, pageParam, signal),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: ({ next }) => next,
      placeholderData: keepPreviousData,
      staleTime: 0,
    });
  const set = (change: { [Name in keyof DecisionFilters]?: DecisionFilters[Name] | undefined }): void => {
    void navigate({ search: decisionFiltersOf({ ...filters, ...change }), replace: true });
  };
  const exported = exportFiltersOf(filters);
  const rows = data?.pages.flatMap((page) => page.rows) ?? [];
  return (
    <Page
      title="Decisions"
      tools={
        <>
          {exported && (
            <a
              className="button"
              href={exportOf('decisions.csv', exported)}
              title="From ended jobs, including shadow decisions"
              download
            >
              Download (CSV)
            </a>
          )}
          <Back />
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Inputs filters={filters} set={set} />
        <Words filters={filters} set={set} />
      </div>
      {error && !data ? (
        <Failed error={error} reset={() => void refetch()} />
      ) : !data ? (
        <Loading what="the decisions" />
      ) : (
        <div className={`flex flex-1 flex-col gap-3 ${isPlaceholderData ? 'opacity-60' : ''}`}>
          <p role="status" className="text-dim">
            {rows.length.toLocaleString('en')}
            {hasNextPage ? ' so far; there may be more' : rows.length === 1 ? ' decision' : ' decisions'}
          </p>
          {rows.length > 0 ? (
            <DecisionTable rows={rows} list={JSON.stringify(filters)} />
          ) : (
            <Notice
              title={
                hasNextPage ? 'Nothing matches these filters so far' : 'No decision matches these filters'
              }
            >
              {hasNextPage
                ? 'Older decisions have not been searched yet.'
                : 'Remove a filter above to see more.'}
            </Notice>
          )}
          {error && (
            <p role="alert" className="text-bad">
              {messageOf(error)}
            </p>
          )}
          {hasNextPage && (
            <Button className="self-center" disabled={isFetching} onClick={() => void fetchNextPage()}>
              {isFetching ? 'Loading …' : 'More'}
            </Button>
          )}
        </div>
      )}
    </Page>
  );
}

/** Asks until there are enough rows, or none are left, or it has asked often enough. */
async function load(
  filters: DecisionFilters,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<{ rows: ListedDecision[]; next: string | undefined }> {
  const rows: ListedDecision[] = [];
  let next = cursor;
  for (let requests = 0; requests < MAX_REQUESTS && rows.length < PAGE; requests += 1) {
    const query = { ...filters, limit: PAGE - rows.length, ...(next !== undefined && { cursor: next }) };
    const page = await dataOf(api.GET('/v1/decisions', { params: { query }, signal }));
    rows.push(...page.data);
    next = page.next_cursor ?? undefined;
    if (next === undefined) break;
  }
  return { rows, next };
}

/** To where one came from; to the figures where one came from nowhere. */
function Back() {
  const { history } = useRouter();
  const canGoBack = useCanGoBack();
  const navigate = useNavigate();
  return (
    <Act
      command="leave"
      look="quiet"
      onAct={() => {
        if (canGoBack) history.back();
        else void navigate({ to: '/insight' });
      }}
    >
      {canGoBack ? 'Back' : 'Insight'}
    </Act>
  );
}

interface FilterProps {
  filters: DecisionFilters;
  set: (change: { [Name in keyof DecisionFilters]?: DecisionFilters[Name] | undefined }) => void;
}

function Inputs({ filters, set }: FilterProps) {
  return (
    <div role="search" className="flex flex-wrap gap-2">
      {NAMED.map(({ name, label }) => (
        <Typed
          key={name}
          value={filters[name] ?? ''}
          label={label}
          onChange={(text) => set({ [name]: text })}
          className="w-36"
        />
      ))}
      <select
        className="field"
        aria-label="Verdict"
        value={filters.verdict ?? ''}
        onChange={({ target: { value } }) =>
          set({ verdict: UNIONS.DecisionOutcome.find((each) => each === value) })
        }
      >
        <option value="">Any verdict</option>
        {UNIONS.DecisionOutcome.map((each) => (
          <option key={each} value={each}>
            {LOOKS[each].name}
          </option>
        ))}
      </select>
      <select
        className="field"
        aria-label="Who decided"
        value={filters.by ?? ''}
        onChange={({ target: { value } }) => set({ by: UNIONS.Decider.find((each) => each === value) })}
      >
        <option value="">By anyone</option>
        <option value="people">By people</option>
        <option value="policy">By the policy</option>
      </select>
    </div>
  );
}

/** What is listed, in words of which each can be taken away. */
function Words({ filters, set }: FilterProps) {
  const words = wordsOf(filters);
  if (words.length === 0) return <p className="text-dim">All decisions, newest first.</p>;
  return (
    <ul aria-label="What is listed" className="flex flex-wrap gap-2">
      {words.map(([name, text]) => (
        <li key={name} className="max-w-full">
          <button
            type="button"
            className="chip max-w-full cursor-pointer hover:border-dim"
            title="Remove this filter"
            onClick={() => set({ [name]: undefined })}
          >
            <span className="truncate">{text}</span>
            <span aria-hidden="true">×</span>
            <span className="sr-only">: remove this filter</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function wordsOf(filters: DecisionFilters): [keyof DecisionFilters, string][] {
  const { from, to, without, verdict, by, at_deadline, missed_deadline, final, pairs } = filters;
  const words: [keyof DecisionFilters, string | undefined][] = [
    ['from', from && `from ${moment(from)}`],
    ['to', to && `before ${moment(to)}`],
    ...NAMED.map(({ name }): [typeof name, string | undefined] => {
      const value = filters[name];
      return [name, value && `${name} ${visible(value)}`];
    }),
    ['without', without && `no ${without}`],
    ['verdict', verdict && LOOKS[verdict].name],
    ['by', by && (by === 'people' ? 'by people' : 'by the policy')],
    ['at_deadline', at_deadline && 'at the deadline'],
    ['missed_deadline', missed_deadline && 'missed the deadline'],
    ['final', final && 'took effect'],
    ['pairs', pairs && (pairs === 'double' ? 'compared with another person' : 'compared with a shadow rule')],
  ];
  return words.filter((each): each is [keyof DecisionFilters, string] => each[1] !== undefined);
}
