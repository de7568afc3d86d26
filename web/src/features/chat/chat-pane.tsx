import { MessagesSquare } from "lucide-react";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import type { Outgoing } from "@/api/kept";
import { outbox } from "@/api/outbox";
import type { Workspace } from "@/api/workspaces";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { complain } from "@/ui/toast";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { useDraft } from "./drafts";
import { DropZone } from "./drop";
import { History, type Shown } from "./history";
import { newThread } from "./sending";
import { openQuestion } from "./window";

interface Props {
  workspace: Workspace;
  view: "people" | "agents";
}

/** A conversation: with people, or the agent's own with other agents. */
export function ChatPane({ workspace, view }: Props) {
  const [history] = useState(() => new History({ workspaceId: workspace.id, view, threadId: null }));
  const shown = useSyncExternalStore(history.watch, history.shown);
  useEffect(() => history.start(), [history]);
  return view === "people" ? <Talk workspace={workspace} history={history} shown={shown} /> : <Traffic workspace={workspace} history={history} shown={shown} />;
}

interface Inner {
  workspace: Workspace;
  history: History;
  shown: Shown;
}

function Talk({ workspace, history, shown }: Inner) {
  const { draft, refused, write, attach, remove, show, blank } = useDraft(workspace.id);
  const threadId = shown.outgoing.at(-1)?.threadId ?? shown.window.entries.at(-1)?.thread_id;
  const [aside, setAside] = useState<string | null>(null);
  const open = shown.outgoing.length === 0 ? openQuestion(shown.window, threadId) : null;
  const question = open?.id === aside ? null : open;
  const send = () => {
    blank();
    if (shown.window.newer) history.open();
    const message = { ...draft, workspaceId: workspace.id, threadId: threadId ?? newThread(), taskId: question?.task_id ?? null };
    void outbox.add(message, { drafted: true }).catch((error: unknown) => {
      write(draft);
      complain(error);
    });
  };
  const edit = (message: Outgoing) => {
    const both = { text: [message.text, draft.text].filter(Boolean).join("\n"), files: [...message.files, ...draft.files] };
    void outbox.takeBack(message, { workspaceId: workspace.id, ...both }).then(() => show(both), complain);
  };
  return (
    <DropZone label="Chat" onFiles={attach}>
      <Said history={history} shown={shown} workspace={workspace} onEdit={edit}>
        <p>Write to it below. What you send is kept until it is answered, even if it is offline now.</p>
      </Said>
      <div className="mx-auto w-full max-w-4xl px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] md:px-5">
        {question && <p className="px-2 pb-1 text-xs text-ink-soft">{workspace.name} asked back: what you write now is the answer. Esc for something else.</p>}
        <Composer
          to={workspace.name}
          draft={draft}
          refused={refused}
          onText={(text) => write({ text })}
          onFiles={attach}
          onRemove={remove}
          onSend={send}
          onCancel={() => setAside(question?.id ?? null)}
        />
      </div>
    </DropZone>
  );
}

function Traffic({ workspace, history, shown }: Inner) {
  return (
    <section aria-label="Traffic with other agents" className="flex min-h-0 flex-1 flex-col">
      <Said history={history} shown={shown} workspace={workspace}>
        <p>What other agents ask of {workspace.name}, and what it answers them, is here.</p>
      </Said>
    </section>
  );
}

function Said({ history, shown, workspace, onEdit, children }: Inner & { onEdit?: (message: Outgoing) => void; children: ReactNode }) {
  if (shown.window.entries.length + shown.outgoing.length > 0) {
    return <Conversation history={history} shown={shown} workspaceId={workspace.id} name={workspace.name} onEdit={onEdit} />;
  }
  return (
    <div className="flex flex-1 flex-col justify-center">
      {shown.error !== null && <Trouble error={shown.error} onRetry={() => history.retry()} />}
      {shown.error === null && shown.waiting && <Waiting what="Fetching what was said" />}
      {shown.error === null && !shown.waiting && (
        <Empty icon={MessagesSquare} title="Nothing was said yet">
          {children}
        </Empty>
      )}
    </div>
  );
}
