import { useInfiniteQuery } from "@tanstack/react-query";
import { Footprints } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { Virtualizer } from "virtua";
import { Problem } from "@/api/problem";
import type { Workspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { type Row, type Wanted, activityQuery, merged, useHeard } from "./activity";
import { ActivityFilters } from "./activity-filters";
import { ActivityRow } from "./activity-row";
import { useNames } from "./names";

/** All that happened to it and because of it, the newest first; what is looked for stands in the address. */
export function ActivityPane({ workspace }: { workspace: Workspace }) {
  const [search, setSearch] = useSearchParams();
  const wanted: Wanted = { type: search.get("type") ?? "", source: search.get("source") ?? "", peer: search.get("peer") ?? "" };
  const want = (some: Partial<Wanted>) => {
    const chosen = Object.entries({ ...wanted, ...some }).filter(([, value]) => value !== "");
    setSearch(Object.fromEntries(chosen), { replace: true });
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <ActivityFilters workspace={workspace} wanted={wanted} onWant={want} />
      <Feed key={JSON.stringify(wanted)} workspace={workspace.id} wanted={wanted} />
    </div>
  );
}

function Feed({ workspace, wanted }: { workspace: string; wanted: Wanted }) {
  const heard = useHeard(workspace, wanted);
  const read = useInfiniteQuery(activityQuery(workspace, wanted));
  if (read.isPending) return <Waiting what="Reading what happened" />;
  if (!read.data) return <Trouble error={read.error} onRetry={() => void read.refetch()} />;
  const rows = merged(heard, read.data);
  if (rows.length === 0) {
    return (
      <Empty icon={Footprints} title="Nothing of that kind happened yet">
        <p>When it does, it shows here at once.</p>
      </Empty>
    );
  }
  return <Rows rows={rows} end={<End error={read.error} more={read.hasNextPage} busy={read.isFetching} onMore={() => void read.fetchNextPage()} />} />;
}

interface EndProps {
  error: Error | null;
  more: boolean;
  busy: boolean;
  onMore: () => void;
}

/** What is below the oldest row: older ones, the beginning, or what was pruned. */
function End({ error, more, busy, onMore }: EndProps) {
  if (error instanceof Problem && error.status === 410) {
    return <p className="p-6 text-center text-sm text-ink-soft">What happened before that is not kept any more. All that was said is: it stands in the chat and in the traffic.</p>;
  }
  if (error) return <Trouble error={error} onRetry={onMore} />;
  if (!more) return <p className="p-6 text-center text-sm text-ink-soft">This is where it begins.</p>;
  return (
    <div className="flex justify-center p-4">
      <Button busy={busy} onClick={onMore}>
        Show what was before
      </Button>
    </div>
  );
}

/** Pixels. So close to the newest row, a new one may push the others down. */
const AT_TOP = 8;

/** Who reads further down is not pushed about: what comes meanwhile waits behind a button. */
function Rows({ rows, end }: { rows: readonly Row[]; end: ReactNode }) {
  const names = useNames();
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState<string | null>(null);
  const hidden = top === null ? 0 : Math.max(0, rows.findIndex(({ id }) => id === top));
  const scrolled = (offset: number) => {
    if (offset < AT_TOP) setTop(null);
    else if (top === null) setTop(rows[0]?.id ?? null);
  };
  const shown = rows.slice(hidden);
  return (
    <div className="relative min-h-0 flex-1">
      {hidden > 0 && (
        <div className="absolute inset-x-0 top-2 z-10 flex justify-center">
          <Button
            look="primary"
            className="rounded-full shadow-raised"
            onClick={() => {
              setTop(null);
              box.current?.scrollTo({ top: 0 });
            }}
          >
            {hidden} new
          </Button>
        </div>
      )}
      <div ref={box} role="region" aria-label="Activity" tabIndex={0} className="h-full overflow-y-auto">
        <Virtualizer as="ol" item="li" data={shown} onScroll={scrolled} scrollRef={box}>
          {(row) => <ActivityRow key={row.id} row={row} names={names} />}
        </Virtualizer>
        {end}
      </div>
    </div>
  );
}
