import { Plus, Search as SearchIcon } from "lucide-react";
import { Suspense, lazy, useMemo, useState } from "react";
import { useChats } from "@/api/chats";
import { type Workspace, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Trouble, Waiting } from "@/ui/notice";
import type { Asked } from "./asked";
import { useArrangement } from "./kept";
import { type Search, useSearch } from "./search";
import { TeamMenu } from "./team-menu";
import { treeOf } from "./tree";
import { useUndoKey } from "./undo";

// The library of the chart is fetched by those who look at one.
const Canvas = lazy(async () => ({ default: (await import("./canvas")).Canvas }));

/** Everybody, as a chart or as a list. */
export function TeamPage() {
  const { data, error, refetch } = useWorkspaces();
  if (error && !data) return <Trouble error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting what="Looking for the team" />;
  return <Everybody all={data} />;
}

function Everybody({ all }: { all: Workspace[] }) {
  const tree = useMemo(() => treeOf(all), [all]);
  const { data: chats } = useChats();
  const unread = useMemo(() => new Map(chats?.map((chat) => [chat.workspace_id, chat.unread])), [chats]);
  const arrangement = useArrangement();
  const search = useSearch(all);
  const [selected, select] = useState<ReadonlySet<string>>(new Set());
  const [, ask] = useState<Asked | null>(null);
  useUndoKey();
  if (!arrangement.known) return <Waiting what="Looking for the team" />;
  return (
    <>
      <Head count={all.length} search={search} onAdd={() => ask({ about: "add", parent: null })} />
      <TeamMenu tree={tree} selected={selected} onSelect={select} ask={ask}>
        <div className="relative min-h-0 flex-1">
          <Suspense fallback={<Waiting what="Drawing the team" />}>
            <Canvas {...{ tree, unread, arrangement, selected, search, ask }} onSelect={select} />
          </Suspense>
        </div>
      </TeamMenu>
    </>
  );
}

function Head({ count, search, onAdd }: { count: number; search: Search; onAdd: () => void }) {
  return (
    <header className="flex flex-wrap items-center gap-2 border-b border-line bg-surface px-4 py-2.5">
      <h1 className="font-semibold">Team</h1>
      <span className="text-sm text-ink-soft">{count === 1 ? "1 agent" : `${count} agents`}</span>
      <Finder search={search} />
      <Button look="primary" onClick={onAdd}>
        <Plus aria-hidden className="size-4" /> Add agent
      </Button>
    </header>
  );
}

function Finder({ search: { text, found, number, setText, step } }: { search: Search }) {
  return (
    <div role="search" className="ml-auto flex min-h-9 items-center gap-2 rounded-lg border border-line-strong bg-surface px-2.5">
      <SearchIcon aria-hidden className="size-4 text-ink-soft" />
      <input
        type="search"
        aria-label="Find in the team"
        placeholder="Find in the team"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") setText("");
        }}
        className="w-36 min-w-0 bg-transparent text-base outline-none placeholder:text-ink-soft sm:text-sm"
      />
      {found && (
        <span role="status" className="text-xs whitespace-nowrap text-ink-soft">
          {found.size === 0 ? "none" : `${number} of ${found.size}`}
        </span>
      )}
    </div>
  );
}
