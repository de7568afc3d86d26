import { Network, Plus } from "lucide-react";
import { Suspense, lazy, useCallback, useMemo, useState } from "react";
import { useChats } from "@/api/chats";
import { type Workspace, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import type { Ask, Asked } from "./asked";
import { BatchBar } from "./batch-bar";
import { Dialogs } from "./dialogs";
import { Head, useLook } from "./head";
import { useKeys } from "./keys";
import { type Arrangement, useArrangement } from "./kept";
import { useSearch } from "./search";
import { TeamList } from "./team-list";
import { TeamMenu } from "./team-menu";
import { Tour } from "./tour";
import { useTraffic } from "./traffic";
import { type Team, path, topmost, treeOf } from "./tree";

// The library of the chart is fetched by those who look at one.
const Canvas = lazy(async () => ({ default: (await import("./canvas")).Canvas }));

const NOBODY: ReadonlySet<string> = new Set();

/** Everybody, as a chart or as a list. */
export function TeamPage() {
  const { data, error, refetch } = useWorkspaces();
  const arrangement = useArrangement();
  const [asked, ask] = useState<Asked | null>(null);
  if (error && !data) return <Trouble error={error} onRetry={() => void refetch()} />;
  if (!data || !arrangement) return <Waiting what="Looking for the team" />;
  return (
    <>
      {data.length === 0 ? <Nobody ask={ask} /> : <Everybody all={data} arrangement={arrangement} ask={ask} />}
      <Dialogs asked={asked} ask={ask} />
    </>
  );
}

function Everybody({ all, arrangement, ask }: { all: Workspace[]; arrangement: Arrangement; ask: Ask }) {
  const tree = useMemo(() => treeOf(all), [all]);
  const { data: chats } = useChats();
  const unread = useMemo(() => new Map(chats?.map((chat) => [chat.workspace_id, chat.unread])), [chats]);
  const traffic = useTraffic();
  const search = useSearch(all);
  const [selected, select] = useState(NOBODY);
  const [look, setLook] = useLook();
  const { folded } = arrangement;
  const searched = tree.of.get(search.current ?? "");
  // What is found is seen, and put away again when the search is over.
  const shown = useMemo(() => without(folded, searched ? path(searched) : []), [folded, searched]);
  const chosen = useMemo(() => topmost(tree, selected), [tree, selected]);
  useKeys({
    onEscape: useCallback(() => select(NOBODY), []),
    onDelete: useCallback(() => chosen.length > 0 && ask({ about: "remove", workspaces: chosen }), [chosen, ask]),
  });
  const View = look === "list" ? TeamList : Canvas;
  return (
    <>
      <Head count={all.length} search={search} look={look} onLook={setLook} onAdd={() => ask({ about: "add", parent: null })} />
      <TeamMenu tree={tree} selected={selected} onSelect={select} ask={ask}>
        <div className="relative flex min-h-0 flex-1 flex-col">
          {chosen.length > (look === "list" ? 0 : 1) && <BatchBar workspaces={chosen} ask={ask} onClear={() => select(NOBODY)} floating={look === "chart"} />}
          <Suspense fallback={<Waiting what="Drawing the team" />}>
            <View {...{ tree, unread, traffic, selected, search, ask }} arrangement={{ ...arrangement, folded: shown }} onSelect={select} />
          </Suspense>
          <Tour all={all} floating={look === "chart"} onWatch={() => setLook("chart")} onAdd={() => ask({ about: "add", parent: null })} />
        </div>
      </TeamMenu>
    </>
  );
}

function without(folded: ReadonlySet<string>, teams: readonly Team[]): ReadonlySet<string> {
  const open = new Set(teams.map(({ workspace }) => workspace.id));
  return open.size === 0 ? folded : new Set([...folded].filter((id) => !open.has(id)));
}

/** The first step. */
function Nobody({ ask }: { ask: Ask }) {
  return (
    <div className="flex flex-1 items-center justify-center">
      <Empty icon={Network} title="Nobody works here yet">
        <p>Each agent gets a place: a mailbox that loses nothing, an address, and a spot in the team. Make the first one, and connect a program of yours to it in a minute.</p>
        <Button look="primary" onClick={() => ask({ about: "add", parent: null })}>
          <Plus aria-hidden className="size-4" /> Add an agent
        </Button>
      </Empty>
    </div>
  );
}
