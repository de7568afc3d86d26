import { MessagesSquare } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Outgoing } from "@/api/kept";
import { outbox } from "@/api/outbox";
import type { Workspace } from "@/api/workspaces";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { complain } from "@/ui/toast";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { History } from "./history";
import { newThread } from "./sending";

interface Props {
  workspace: Workspace;
  view: "people" | "agents";
}

/** A conversation: with people, or the agent's own with other agents. */
export function ChatPane({ workspace, view }: Props) {
  const [history] = useState(() => new History({ workspaceId: workspace.id, view, threadId: null }));
  const shown = useSyncExternalStore(history.watch, history.shown);
  const [text, setText] = useState("");
  useEffect(() => history.start(), [history]);
  const send = () => {
    setText("");
    const threadId = shown.outgoing.at(-1)?.threadId ?? shown.window.entries.at(-1)?.thread_id ?? newThread();
    if (shown.window.newer) history.open();
    void outbox.add({ workspaceId: workspace.id, threadId, taskId: null, text, files: [] }).catch((error: unknown) => {
      setText(text);
      complain(error);
    });
  };
  const edit = (message: Outgoing) => {
    setText(message.text);
    void outbox.drop([message]).catch(complain);
  };
  const empty = shown.window.entries.length + shown.outgoing.length === 0;
  return (
    <section aria-label={view === "people" ? "Chat" : "Traffic with other agents"} className="flex min-h-0 flex-1 flex-col">
      {shown.error !== null && empty && <Trouble error={shown.error} onRetry={() => history.retry()} />}
      {shown.waiting && empty && <Waiting what="Fetching what was said" />}
      {!shown.waiting && shown.error === null && empty && <Empty icon={MessagesSquare} title={`Nothing was said to ${workspace.name} yet`} />}
      {!empty ? <Conversation history={history} shown={shown} workspaceId={workspace.id} name={workspace.name} onEdit={edit} /> : <div className="flex-1" />}
      {view === "people" && (
        <div className="mx-auto w-full max-w-4xl px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] md:px-5">
          <Composer to={workspace.name} text={text} onText={setText} onSend={send} onCancel={() => setText("")} />
        </div>
      )}
    </section>
  );
}
