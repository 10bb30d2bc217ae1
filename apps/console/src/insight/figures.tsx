import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Stats } from '../api/client';
import type { DecisionFilters } from '../decisions/decision-filters';
import { useNow } from '../store/clock';
import { percent } from '../text/percent';
import { age, duration } from '../text/time';
import { totalOf } from './scale';
import type { Decisions, Waits } from './sources';
import { ToDecisions } from './to-decisions';

const NONE = 'none in this window';

interface FiguresProps {
  stats: Stats;
  waits: Waits;
  decisions: Decisions;
}

/** The desk in eight figures; each leads to what it was counted from. */
export function Figures({ stats, waits, decisions }: FiguresProps) {
  const { verdicts, edit_distance: edits, agreement, deadlines } = stats;
  const byPeople = decisions({ by: 'people', final: true });
  const automatic = totalOf(verdicts.automatic.total);
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Waiting waiting={stats.waiting} waits={waits} />
      <Time name="Time to decide" of={stats.time_to_decide_ms} decisions={byPeople} />
      <Time name="Time to claim" of={stats.time_to_claim_ms} decisions={byPeople} />
      <Figure name="Decided" value={<Count count={stats.decided} decisions={decisions({ final: true })} />}>
        <Count count={automatic} decisions={decisions({ by: 'policy' })} /> of them by the policy alone
      </Figure>
      <Figure
        name="Changed by an edit"
        value={
          <ToDecisions of={edits.p50 === null ? null : decisions({ by: 'people', verdict: 'edit' })}>
            {percent(edits.p50)}
          </ToDecisions>
        }
      >
        {edits.p50 === null
          ? NONE
          : `of the text at most, in half of the edits; ${percent(edits.p90)} in nine of ten, ${percent(edits.mean)} on average`}
      </Figure>
      <Agreement name="Two people agree" of={agreement.double} decisions={decisions({ pairs: 'double' })} />
      <Agreement name="Shadow rules agree" of={agreement.shadow} decisions={decisions({ pairs: 'shadow' })} />
      <Figure
        name="Deadlines missed"
        value={
          <Count
            count={deadlines.expired + deadlines.approved_at_deadline}
            decisions={decisions({ missed_deadline: true })}
          />
        }
      >
        <Count count={deadlines.expired} decisions={decisions({ verdict: 'expired' })} /> expired,{' '}
        <Count
          count={deadlines.approved_at_deadline}
          decisions={decisions({ at_deadline: true, final: true })}
        />{' '}
        approved by the policy
      </Figure>
    </dl>
  );
}

function Waiting({ waiting, waits }: { waiting: Stats['waiting']; waits: Waits }) {
  const now = useNow();
  return (
    <Figure
      name="Waiting now"
      value={
        <Link to="/queue" search={waits} className="text-accent underline underline-offset-4">
          {waiting.count.toLocaleString('en')}
        </Link>
      }
    >
      {waiting.oldest_since === null ? 'nothing waiting' : `the oldest for ${age(waiting.oldest_since, now)}`}
    </Figure>
  );
}

interface AgreementProps {
  name: string;
  of: Stats['agreement']['double'];
  decisions: DecisionFilters;
}

function Agreement({ name, of: { pairs, agreed, kappa }, decisions }: AgreementProps) {
  const share = percent(pairs === 0 ? null : agreed / pairs);
  return (
    <Figure name={name} value={<ToDecisions of={pairs === 0 ? null : decisions}>{share}</ToDecisions>}>
      {pairs === 0 ? (
        NONE
      ) : (
        <>
          {agreed.toLocaleString('en')} of <Count count={pairs} decisions={decisions} /> pairs; Cohen’s kappa{' '}
          {kappa === null ? 'is not defined' : kappa.toFixed(2)}
        </>
      )}
    </Figure>
  );
}

interface TimeProps {
  name: string;
  of: Stats['time_to_decide_ms'];
  decisions: DecisionFilters;
}

function Time({ name, of: { p50, p90 }, decisions }: TimeProps) {
  return (
    <Figure name={name} value={<ToDecisions of={p50 === null ? null : decisions}>{time(p50)}</ToDecisions>}>
      {p50 === null ? NONE : `half are quicker; nine of ten within ${time(p90)}`}
    </Figure>
  );
}

function Count({ count, decisions }: { count: number; decisions: DecisionFilters }) {
  return <ToDecisions of={count === 0 ? null : decisions}>{count.toLocaleString('en')}</ToDecisions>;
}

interface FigureProps {
  name: string;
  value: ReactNode;
  children: ReactNode;
}

function Figure({ name, value, children }: FigureProps) {
  return (
    <div className="panel flex flex-col px-4 py-3">
      <dt className="text-dim">{name}</dt>
      <dd className="text-2xl font-semibold tabular-nums">{value}</dd>
      <dd className="text-xs text-dim">{children}</dd>
    </div>
  );
}

function time(ms: number | null): string {
  return ms === null ? '–' : ms < 1000 ? 'under 1s' : duration(ms);
}
