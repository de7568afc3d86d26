import { Footprints } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useSearchParams } from "react-router";
import { Virtualizer } from "virtua";
import { Problem } from "@/api/problem";
import type { Workspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { Activity, type Shown } from "./activity";
import { ActivityFilters } from "./activity-filters";
import { ActivityRow } from "./activity-row";
import type { Wanted } from "./activity-rows";
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
  const [activity] = useState(() => new Activity(workspace, wanted));
  const shown = useSyncExternalStore(activity.watch, activity.shown);
  useEffect(() => activity.start(), [activity]);
  const { entries, before, busy, error } = shown;
  if (entries?.length === 0 && error === null) {
    return (
      <Empty icon={Footprints} title="Nothing of that kind happened yet">
        <p>When it does, it shows here at once.</p>
      </Empty>
    );
  }
  const end = <End error={error} more={before !== null} busy={busy} onMore={() => activity.older()} onRetry={() => activity.retry()} />;
  if (entries !== null) return <Rows activity={activity} shown={shown} end={end} />;
  return error === null ? <Waiting what="Reading what happened" /> : <Trouble error={error} onRetry={() => activity.retry()} />;
}

interface EndProps {
  error: unknown;
  more: boolean;
  busy: boolean;
  onMore: () => void;
  onRetry: () => void;
}

/** What is below the oldest row: older ones, the beginning, or what was pruned. */
function End({ error, more, busy, onMore, onRetry }: EndProps) {
  if (error instanceof Problem && error.status === 410) {
    return <p className="p-6 text-center text-sm text-ink-soft">What happened before that is not kept any more. All that was said is: it stands in the chat and in the traffic.</p>;
  }
  if (error !== null) return <Trouble error={error} onRetry={onRetry} />;
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
function Rows({ activity, shown, end }: { activity: Activity; shown: Shown; end: ReactNode }) {
  const names = useNames();
  const box = useRef<HTMLDivElement>(null);
  const { entries, news, torn, busy } = shown;
  return (
    <div className="relative min-h-0 flex-1">
      {((torn && !busy) || news.length > 0) && (
        <div className="absolute inset-x-0 top-2 z-10 flex justify-center">
          <Button
            look="primary"
            className="rounded-full shadow-raised"
            onClick={() => {
              activity.toNewest();
              box.current?.scrollTo({ top: 0 });
            }}
          >
            {torn ? "Show the newest" : `${news.length} new`}
          </Button>
        </div>
      )}
      <div ref={box} role="region" aria-label="Activity" tabIndex={0} className="h-full overflow-y-auto">
        <Virtualizer as="ol" item="li" data={entries ?? []} onScroll={(offset) => activity.follow(offset < AT_TOP)} scrollRef={box}>
          {(entry) => <ActivityRow key={entry.first} entry={entry} names={names} />}
        </Virtualizer>
        {end}
      </div>
    </div>
  );
}
