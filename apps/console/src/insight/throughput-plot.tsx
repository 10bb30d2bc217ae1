import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useRef, useState } from 'react';
import { Table } from '../ui/table';
import type { Stats } from '../api/client';
import { UNIONS } from '../api/unions';
import { moment } from '../text/time';
import { marksTo, stacked, ticksOf } from './scale';
import { Legend } from '../verdicts/legend';
import { LOOKS } from '../verdicts/looks';
import type { Decisions } from './sources';
import { ToDecisions } from './to-decisions';

const HEIGHT = 200;
const LEFT = 40;
const BOTTOM = 22;
const TOP = 8;
/** Width that a label of time needs, in pixels. */
const LABEL = 64;
const PARTS = UNIONS.DecisionOutcome;

interface ThroughputPlotProps {
  throughput: Stats['throughput'];
  /** When the last part ends. */
  until: string;
  /** Whether the window is so short that hours tell more than days. */
  hours: boolean;
  decisions: Decisions;
}

/** Decisions over time, one upon the other; the same as a table below. */
export function ThroughputPlot({ throughput, until, hours, decisions }: ThroughputPlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const navigate = useNavigate();
  const id = useId();
  const sums = throughput.map((part) => PARTS.reduce((sum, name) => sum + part[name], 0));
  const marks = marksTo(Math.max(0, ...sums));
  const most = marks.at(-1) ?? 1;
  const y = (count: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - count / most);
  const step = (width - LEFT) / Math.max(1, throughput.length);
  const [first, second] = throughput;
  const begin = Date.parse(first?.at ?? until);
  const length = Date.parse(second?.at ?? until) - begin;
  const labels: { tick: Date; at: number }[] = [];
  for (const tick of ticksOf(new Date(begin), new Date(until), hours)) {
    const at = LEFT + ((tick.getTime() - begin) / length) * step;
    if (at >= (labels.at(-1)?.at ?? LEFT - LABEL / 2) + LABEL && at <= width - LABEL / 2)
      labels.push({ tick, at });
  }
  const all = sums.reduce((sum, each) => sum + each, 0);
  const decisionsIn = (part: Stats['throughput'][number], verdict: (typeof PARTS)[number]) =>
    decisions({
      from: part.at,
      to: throughput[throughput.indexOf(part) + 1]?.at ?? until,
      final: true,
      verdict,
    });
  const busy = throughput.filter((_part, index) => (sums[index] ?? 0) > 0);
  return (
    <div ref={host} className="panel flex flex-col gap-2 p-4">
      <Legend names={PARTS} />
      <svg
        role="img"
        aria-labelledby={`${id}title ${id}desc`}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        className="h-50 w-full"
      >
        <title id={`${id}title`}>Decisions over time</title>
        <desc id={`${id}desc`}>
          {all === 0
            ? 'Nothing was decided.'
            : `${all.toLocaleString('en')} in ${busy.length} of ${throughput.length} parts of the window, at most ${Math.max(...sums).toLocaleString('en')} in one. The table below has them all.`}
        </desc>
        {marks.map((mark) => (
          <g key={mark}>
            <line x1={LEFT} x2={width} y1={y(mark)} y2={y(mark)} className="stroke-line" />
            <text x={LEFT - 6} y={y(mark) + 4} textAnchor="end" className="fill-dim text-[11px]">
              {mark.toLocaleString('en')}
            </text>
          </g>
        ))}
        {throughput.map((part, index) => (
          <g key={part.at}>
            <title>{`${moment(part.at)}: ${wordsOf(part)}`}</title>
            <rect
              x={LEFT + index * step}
              y={TOP}
              width={step}
              height={HEIGHT - TOP - BOTTOM}
              fill="transparent"
            />
            {stacked(part, PARTS).map(({ name, from, to }) => (
              <rect
                key={name}
                x={LEFT + index * step + step * 0.1}
                width={step * 0.8}
                y={y(to)}
                height={Math.max(0.5, y(from) - y(to) - 0.5)}
                className={`cursor-pointer ${LOOKS[name].fill}`}
                onClick={() => void navigate({ to: '/decisions', search: decisionsIn(part, name) })}
              />
            ))}
          </g>
        ))}
        {labels.map(({ tick, at }) => (
          <g key={at}>
            <line x1={at} x2={at} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM + 4} className="stroke-dim" />
            <text x={at} y={HEIGHT - 6} textAnchor="middle" className="fill-dim text-[11px]">
              {labelOf(tick, hours)}
            </text>
          </g>
        ))}
      </svg>
      <details>
        <summary className="cursor-pointer text-accent">As a table</summary>
        <Table label="Decisions over time, as a table" className="max-h-72">
          <thead>
            <tr>
              <th scope="col">From</th>
              {PARTS.map((name) => (
                <th key={name} scope="col" className="number">
                  {LOOKS[name].name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {busy.map((part) => (
              <tr key={part.at}>
                <th scope="row">{moment(part.at)}</th>
                {PARTS.map((name) => (
                  <td key={name} className="number">
                    <ToDecisions of={part[name] === 0 ? null : decisionsIn(part, name)}>
                      {part[name].toLocaleString('en')}
                    </ToDecisions>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </Table>
        {busy.length === 0 && <p className="text-dim">Nothing was decided.</p>}
      </details>
    </div>
  );
}

function wordsOf(part: Stats['throughput'][number]): string {
  const words = PARTS.filter((name) => part[name] > 0).map((name) => `${part[name]} ${LOOKS[name].name}`);
  return words.join(', ') || 'nothing';
}

function labelOf(tick: Date, hours: boolean): string {
  return hours
    ? tick.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
    : tick.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}

/** The width of an element's inside, in pixels, as it is now. */
function useWidth(host: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      const { paddingLeft, paddingRight } = getComputedStyle(element);
      setWidth(Math.max(200, element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [host]);
  return width;
}
