import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Split } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import type { Workspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { Sheet } from "@/ui/panel";
import { Age } from "@/ui/time";
import { Toggle } from "@/ui/toggle";
import { DelegationItem } from "./delegation-item";
import { type Delegation, delegationsQuery, grouped, treeQuery } from "./delegations";
import { TimeLine } from "./time-line";

const VIEWS = [
  { value: "tree", label: "Tree" },
  { value: "time-line", label: "Time-line" },
] as const;

const WHICH = [
  { value: "all", label: "All" },
  { value: "open", label: "Open only" },
] as const;

/** What it asked of others, the newest first, and what came of it. How one looks at it stands in the address. */
export function DelegationsPane({ workspace }: { workspace: Workspace }) {
  const [search, setSearch] = useSearchParams();
  const view = search.get("view") === "time-line" ? "time-line" : "tree";
  const open = search.get("which") === "open";
  const one = search.get("one");
  const choose = (some: Record<string, string>) => setSearch({ ...Object.fromEntries(search), ...some }, { replace: true });
  if (one !== null) return <One workspace={workspace} id={one} />;
  return (
    <Sheet>
      <div className="flex flex-wrap justify-between gap-2">
        <Toggle label="View" options={VIEWS} value={view} onChange={(chosen) => choose({ view: chosen })} />
        <Toggle label="Which" options={WHICH} value={open ? "open" : "all"} onChange={(chosen) => choose({ which: chosen })} />
      </div>
      <Delegations workspace={workspace} open={open} view={view} />
    </Sheet>
  );
}

/** The one that somebody came for, with all that hangs below it. */
function One({ workspace, id }: { workspace: Workspace; id: string }) {
  const { data: tree, error, refetch } = useQuery(treeQuery({ source: workspace, delegation_id: id }));
  return (
    <Sheet>
      <Link className="self-start text-sm underline" to={`/w/${workspace.id}/delegations`}>
        All that {workspace.name} asked
      </Link>
      {error && !tree && <Trouble error={error} onRetry={() => void refetch()} />}
      {!tree && !error && <Waiting what="Looking for the delegation" />}
      {tree && (
        <ul aria-label="The delegation" className="rounded-xl border border-line bg-surface px-3 py-2">
          <DelegationItem one={tree} below={tree.children ?? []} opened />
        </ul>
      )}
    </Sheet>
  );
}

function Delegations({ workspace, open, view }: { workspace: Workspace; open: boolean; view: "tree" | "time-line" }) {
  const read = useInfiniteQuery(delegationsQuery(workspace.id, open));
  if (read.isPending) return <Waiting what="Looking for what it asked of others" />;
  if (!read.data) return <Trouble error={read.error} onRetry={() => void read.refetch()} />;
  const groups = grouped(read.data.pages.flatMap((page) => page.delegations));
  if (groups.length === 0) return <Nothing name={workspace.name} open={open} />;
  return (
    <>
      <ul aria-label={`What ${workspace.name} asked of others`} className="flex flex-col gap-3">
        {groups.map((group) => (
          <Group key={group[0]?.on_behalf_of ?? group[0]?.delegation_id} group={group} view={view} />
        ))}
      </ul>
      {read.isFetchNextPageError && <Trouble error={read.error} onRetry={() => void read.fetchNextPage()} />}
      {read.hasNextPage && (
        <Button className="self-center" busy={read.isFetchingNextPage} onClick={() => void read.fetchNextPage()}>
          Show earlier ones
        </Button>
      )}
    </>
  );
}

function Group({ group, view }: { group: readonly Delegation[]; view: "tree" | "time-line" }) {
  const [newest] = group;
  if (newest === undefined) return null;
  return (
    <li className="rounded-xl border border-line bg-surface px-3 pt-3 pb-2">
      <h2 className="px-2 pb-1 text-xs text-ink-soft">
        {newest.on_behalf_of === null ? "Of its own accord" : `For one message, ${group.length === 1 ? "one" : group.length} asked`}, <Age at={newest.created_at} />
      </h2>
      {view === "time-line" ? (
        <div className="px-2">
          <TimeLine group={group} />
        </div>
      ) : (
        <ul>
          {group.map((one) => (
            <DelegationItem key={one.delegation_id} one={one} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Nothing({ name, open }: { name: string; open: boolean }) {
  return (
    <Empty icon={Split} title={open ? "Nothing is open" : `${name} has asked nothing of others yet`}>
      <p>{open ? "All that it asked has come to an end." : "When it hands work to another agent, each step of that shows here: who asked whom, how it stands, and what came of it."}</p>
    </Empty>
  );
}
