import { Link } from '@tanstack/react-router';
import type { Stats } from '../api/client';
import type { DecisionFilters } from '../decisions/decision-filters';
import { Part } from '../ui/page';
import { visible } from '../text/hygiene';
import { totalOf, type Counts } from './scale';
import type { Decisions, Waits } from './sources';
import { VerdictTable } from './verdict-table';

interface VerdictsProps {
  verdicts: Stats['verdicts'];
  waits: Waits;
  decisions: Decisions;
}

/** Who and what was judged how: by model, rule and reviewer, and by the policy alone. */
export function Verdicts({ verdicts, waits, decisions }: VerdictsProps) {
  if (totalOf(verdicts.total) + totalOf(verdicts.automatic.total) === 0)
    return <p className="text-dim">No response was judged in this window, so there is nothing to show.</p>;
  /** Of a verdict, or of all. */
  const listed = (of: DecisionFilters) => (verdict?: keyof Counts) =>
    decisions({ ...of, ...(verdict && { verdict }) });
  return (
    <Part title="Verdicts" note="Follow a name to its waiting jobs, or a number to the decisions behind it.">
      <VerdictTable
        title="Verdicts by model"
        of="Model"
        rows={verdicts.by_model.map((row) => ({
          key: row.model ?? '',
          name: <Name of="model" name={row.model} none="no model" waits={waits} />,
          counts: row,
          decisions: listed({ by: 'people', ...named('model', row.model) }),
        }))}
      />
      <VerdictTable
        title="Verdicts by rule"
        of="Rule"
        rows={verdicts.by_rule.map((row) => ({
          key: row.rule ?? '',
          name: <Name of="rule" name={row.rule} none="no rule" waits={waits} />,
          counts: row,
          decisions: listed({ by: 'people', ...named('rule', row.rule) }),
        }))}
      />
      <VerdictTable
        title="Verdicts by reviewer"
        of="Reviewer"
        rows={verdicts.by_reviewer.map((row) => ({
          key: row.reviewer,
          name: <Name of="claimed_by" name={row.reviewer} none="" waits={waits} />,
          counts: row,
          decisions: listed({ by: 'people', reviewer: row.reviewer }),
        }))}
      />
      {totalOf(verdicts.automatic.total) > 0 && (
        <VerdictTable
          title="Verdicts of the policy, without a person"
          of="Policy alone"
          rows={verdicts.automatic.by_rule.map((row) => ({
            key: row.rule ?? '',
            name: <Name of="rule" name={row.rule} none="no rule" waits={waits} />,
            counts: row,
            decisions: listed({ by: 'policy', ...named('rule', row.rule) }),
          }))}
        />
      )}
    </Part>
  );
}

function named(of: 'model' | 'rule', name: string | null): DecisionFilters {
  return name === null ? { without: of } : { [of]: name };
}

interface NameProps {
  of: 'model' | 'rule' | 'claimed_by';
  name: string | null;
  none: string;
  waits: Waits;
}

function Name({ of, name, none, waits }: NameProps) {
  const text = name === null ? none : visible(name);
  const search = of !== 'claimed_by' && name === null ? { without: of } : { [of]: name };
  return (
    <Link
      to="/queue"
      search={{ ...waits, ...search }}
      className={`text-accent ${name === null ? 'italic' : ''}`}
      title={`Waiting jobs: ${text}`}
    >
      {text}
    </Link>
  );
}
