import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useLocation, useSearchParams } from "react-router";
import type { Workspace } from "@/api/workspaces";
import { Bar } from "./bar";
import { Heard } from "./heard";
import { History } from "./history";
import type { Which } from "./pages";
import { Search } from "./search";
import { Talk } from "./talk";
import { Traffic } from "./traffic";

interface Props {
  workspace: Workspace;
  view: "people" | "agents";
}

/** A conversation: with people, or the agent's own with other agents. Which thread of it, and what is looked for there, stands in the address. */
export function ChatPane({ workspace, view }: Props) {
  const [address] = useSearchParams();
  const threadId = address.get("thread");
  return <Pane key={threadId} workspace={workspace} which={{ workspaceId: workspace.id, view, threadId }} />;
}

function Pane({ workspace, which }: { workspace: Workspace; which: Which }) {
  const [history] = useState(() => new History(which));
  const shown = useSyncExternalStore(history.watch, history.shown);
  const { key } = useLocation();
  const [address, setAddress] = useSearchParams();
  const words = address.get("find");
  const search = (find: string | null) => setAddress({ ...(which.threadId !== null && { thread: which.threadId }), ...(find !== null && { find }) }, { replace: true });
  useEffect(() => history.start(), [history]);
  const view = useMemo(() => ({ workspace, history, shown }), [workspace, history, shown]);
  return (
    <>
      <Bar which={which} searching={words !== null} onSearch={() => search(words === null ? "" : null)} />
      {words !== null && <Search key={key} which={which} begin={words} onJump={(place) => history.open(place)} onClose={() => search(null)} />}
      <Heard shown={shown} />
      {which.view === "people" ? <Talk {...view} threadId={which.threadId} /> : <Traffic {...view} />}
    </>
  );
}
