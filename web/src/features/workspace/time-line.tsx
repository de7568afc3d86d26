import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { full, lasting, useNow } from "@/ui/time";
import { CancelDelegation } from "./cancel-delegation";
import { Asked } from "./delegation-item";
import { DelegationState, Took, barOf } from "./delegation-state";
import { type Delegation, type Tree, flat, treeQuery } from "./delegations";

/** Milliseconds. What took less is drawn as if it had taken that long. */
const LEAST_SPAN = 1_000;
/** Milliseconds. Below this the axis counts tenths of a second. */
const SHORT = 10_000;

/** What was asked as part of one message, each as long as it took, on an axis of its own. */
export function TimeLine({ group }: { group: readonly Delegation[] }) {
  const [deep, setDeep] = useState(false);
  const roots = [...group].reverse();
  const trees = useQueries({ queries: deep ? roots.map((root) => treeQuery(root)) : [] });
  const rows = roots.flatMap((root, place) => flat(trees[place]?.data ?? ({ ...root, children: [] } satisfies Tree)));
  const now = useNow();
  const span = spanOf(rows.map(({ one }) => one), now);
  return (
    <>
      <ol aria-label="Time-line" className="flex flex-col">
        {rows.map(({ one, depth }) => (
          <Bar key={one.delegation_id} one={one} depth={depth} span={span} now={now} />
        ))}
      </ol>
      <Axis span={span} />
      <Button look="quiet" size="small" className="mt-1 -ml-2" busy={deep && trees.some(({ isPending }) => isPending)} onClick={() => setDeep(!deep)}>
        {deep ? "Hide what these asked of others" : "Show what these asked of others"}
      </Button>
    </>
  );
}

interface Span {
  from: number;
  to: number;
}

function spanOf(all: readonly Delegation[], now: number): Span {
  const from = Math.min(...all.map(({ created_at }) => Date.parse(created_at)));
  const to = Math.max(...all.map(({ ended_at }) => (ended_at === null ? now : Date.parse(ended_at))));
  return { from, to: Math.max(to, from + LEAST_SPAN) };
}

/** Of the bars, and of the axis below them. */
const COLUMNS = "grid gap-x-3 md:grid-cols-[minmax(0,20rem)_minmax(0,1fr)_5rem]";

const share = (at: number, { from, to }: Span) => Math.min(100, Math.max(0, (100 * (at - from)) / (to - from)));

function Bar({ one, depth, span, now }: { one: Delegation; depth: number; span: Span; now: number }) {
  const begin = share(Date.parse(one.created_at), span);
  const end = share(one.ended_at === null ? now : Date.parse(one.ended_at), span);
  return (
    <li data-status={one.status} className={classes(COLUMNS, "grid-cols-[minmax(0,1fr)_auto] items-center gap-y-1 border-b border-line py-2 text-sm")}>
      <div className="flex min-w-0 flex-col" style={{ paddingLeft: `${Math.min(depth, 6)}rem` }}>
        <span className="flex flex-wrap items-center gap-2">
          <Asked one={one} />
          <DelegationState one={one} />
          <Took one={one} />
        </span>
        <span className="truncate text-xs text-ink-soft" title={one.task}>
          {one.task}
        </span>
      </div>
      <div className="order-last col-span-2 h-6 rounded bg-raised md:order-none md:col-span-1" title={`${full(one.created_at)} – ${one.ended_at === null ? "now" : full(one.ended_at)}`}>
        <div className={classes("relative top-1 h-4 min-w-1 rounded", barOf(one))} style={{ marginLeft: `${begin}%`, width: `${end - begin}%` }} />
      </div>
      <div>{one.ended_at === null && <CancelDelegation one={one} />}</div>
    </li>
  );
}

/** When it began, and how long it went on. */
function Axis({ span: { from, to } }: { span: Span }) {
  const span = to - from;
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return (
    <div aria-hidden className={classes(COLUMNS, "hidden pt-1 md:grid")}>
      <span />
      <div className="flex justify-between text-xs text-ink-soft tabular-nums">
        {marks.map((mark) => (
          <span key={mark}>{mark === 0 ? "0" : `+${span < SHORT ? `${((span * mark) / 1_000).toFixed(1)} s` : lasting(span * mark)}`}</span>
        ))}
      </div>
    </div>
  );
}
