import { useState } from "react";
import { useChats } from "@/api/chats";
import type { Outgoing } from "@/api/kept";
import { outbox } from "@/api/outbox";
import { useSession } from "@/api/session";
import { complain } from "@/ui/toast";
import { type View, Blank, isBlank } from "./blank";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { useDraft } from "./drafts";
import { DropZone } from "./drop";
import type { Entry } from "./entry";
import type { Shown } from "./history";
import { useOpenedAt, useReadMark } from "./read-mark";
import { newThread } from "./sending";
import { openQuestion } from "./window";

/** The people's conversation with an agent, and where they write. */
export function Talk({ workspace, history, shown, threadId }: View & { threadId: string | null }) {
  const { data: me } = useSession();
  const { draft, refused, write, attach, asFile, remove, blank } = useDraft(workspace.id);
  const readSeq = useOpenedAt(workspace.id);
  const chat = useChats().data?.find(({ workspace_id }) => workspace_id === workspace.id);
  // What is before the last message of a thread may be of another one, and not read.
  useReadMark(workspace.id, shown.window, shown.along && threadId === null);
  const thread = threadId ?? newestThread(shown) ?? chat?.last_message?.thread_id;
  const { question, setAside } = useQuestion(shown, thread);
  const speaker = ({ role, sender }: Entry) => {
    const [asked, mine] = [role === "user", sender.id === me?.id];
    // Who else asks is worth a line; that the agent answers is plain.
    return { right: asked, name: asked && !mine ? sender.name : null, label: mine ? "You" : sender.name };
  };
  const send = () => {
    history.toNewest();
    const message = { ...draft, workspaceId: workspace.id, threadId: thread ?? newThread(), taskId: question?.task_id ?? null };
    void outbox.add(message, { drafted: true }).catch((error: unknown) => {
      write(draft);
      complain(error);
    });
    blank();
  };
  const edit = (message: Outgoing) => {
    const both = { text: [message.text, draft.text].filter(Boolean).join("\n"), files: [...message.files, ...draft.files] };
    void outbox.takeBack(message, { workspaceId: workspace.id, to: workspace.name, ...both }).then(() => write(both), complain);
  };
  return (
    <DropZone label="Chat" onFiles={attach}>
      {isBlank(shown) ? (
        <Blank history={history} shown={shown}>
          <p>{threadId === null ? "Write below. What you send is kept until it is answered, even if nobody is there now." : "A new thread is a conversation of its own to the agent."}</p>
        </Blank>
      ) : (
        <Conversation history={history} shown={shown} name={workspace.name} readSeq={readSeq} unread={chat?.unread ?? 0} speaker={speaker} workspaceId={workspace.id} onEdit={edit} />
      )}
      <div className="px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] md:px-5">
        {question && <p className="mx-auto max-w-4xl px-2 pb-1 text-xs text-ink-soft">{workspace.name} asked back: what you write now is the answer. Esc for something else.</p>}
        <Composer
          to={workspace.name}
          draft={draft}
          refused={refused}
          onText={(text) => write({ text })}
          onFiles={attach}
          onAsFile={asFile}
          onRemove={remove}
          onSend={send}
          onCancel={setAside}
        />
      </div>
    </DropZone>
  );
}

/** What is said without a choice goes on with what was said last. */
function newestThread({ window, outgoing }: Shown): string | undefined {
  return outgoing.at(-1)?.threadId ?? window.entries.at(-1)?.thread_id;
}

/** The question of the agent that is open in this thread, unless it was put aside. */
function useQuestion({ window, outgoing }: Shown, thread: string | undefined) {
  const [aside, setAside] = useState<string | null>(null);
  const open = outgoing.length === 0 ? openQuestion(window, thread) : null;
  return { question: open?.id === aside ? null : open, setAside: () => setAside(open?.id ?? null) };
}
