import { useInfiniteQuery } from "@tanstack/react-query";
import { MessageSquarePlus, Spool } from "lucide-react";
import { type Schemas, api, data } from "@/api/client";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Dialog } from "@/ui/dialog";
import { Trouble, Waiting } from "@/ui/notice";
import { Moment } from "@/ui/time";

type Thread = Schemas["ThreadShape"];
type Page = Schemas["ThreadsShape"];

/** The server counts no further. */
const MOST = 1_000;

interface Props {
  workspaceId: string;
  chosen: string | null;
  onChoose: (threadId: string | null) => void;
  onNew: () => void;
  onClose: () => void;
}

export function Threads({ workspaceId, chosen, onChoose, onNew, onClose }: Props) {
  const read = useThreads(workspaceId);
  const threads = read.data?.pages.flatMap((page) => page.threads) ?? [];
  return (
    <Dialog open onClose={onClose} title="Threads" description="Each is a conversation of its own to the agent.">
      <div className="flex flex-col gap-1">
        <div className="flex flex-wrap gap-2 pb-2">
          <Button look="primary" onClick={onNew}>
            <MessageSquarePlus aria-hidden className="size-4" /> New thread
          </Button>
          <Button onClick={() => onChoose(null)} aria-pressed={chosen === null}>
            All threads
          </Button>
        </div>
        {threads.map((thread) => (
          <ThreadButton key={thread.thread_id} thread={thread} chosen={thread.thread_id === chosen} onChoose={onChoose} />
        ))}
        {read.error && <Trouble error={read.error} onRetry={() => void (read.data ? read.fetchNextPage() : read.refetch())} />}
        {read.isFetching && threads.length === 0 && <Waiting what="Fetching the threads" />}
        {!read.error && read.hasNextPage && (
          <Button look="quiet" busy={read.isFetchingNextPage} onClick={() => void read.fetchNextPage()}>
            Show earlier ones
          </Button>
        )}
      </div>
    </Dialog>
  );
}

interface ButtonProps {
  thread: Thread;
  chosen: boolean;
  onChoose: (threadId: string) => void;
}

/** How it begins, and what was said last. */
function ThreadButton({ thread: { thread_id: id, begins, messages, last_message: last }, chosen, onChoose }: ButtonProps) {
  return (
    <button
      type="button"
      data-thread-id={id}
      aria-pressed={chosen}
      onClick={() => onChoose(id)}
      className={classes("flex min-h-11 items-center gap-3 rounded-lg px-2 py-1 text-left text-sm", chosen ? "bg-accent-soft" : "hover:bg-raised")}
    >
      <Spool aria-hidden className="size-4 shrink-0 text-ink-soft" />
      <span className="min-w-0 flex-1">
        <span className="block truncate">{begins ?? "No words"}</span>
        {messages > 1 && (
          <span className="block truncate text-xs text-ink-soft">
            {last.sender.name}: {last.preview ?? "no words"}
          </span>
        )}
      </span>
      <span className="shrink-0 text-xs text-ink-soft">
        {messages < MOST ? messages : `${MOST}+`} · <Moment at={last.timestamp} />
      </span>
    </button>
  );
}

/** Calls for one press. Each looks at some thousands of messages, so that one may find nothing without being the last. */
const CALLS = 20;

/** All of them, the most recently spoken first. */
function useThreads(workspaceId: string) {
  const read = (before: string | null, signal: AbortSignal): Promise<Page> => {
    const query = before === null ? {} : { before: Number(before) };
    return data(api.GET("/workspaces/{id}/threads", { params: { path: { id: workspaceId }, query }, signal }));
  };
  return useInfiniteQuery({
    queryKey: ["chats", "threads", workspaceId],
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }: Page) => next,
    queryFn: async ({ pageParam, signal }) => {
      let page = await read(pageParam, signal);
      for (let calls = 1; calls < CALLS && page.threads.length === 0 && page.next !== null; calls++) page = await read(page.next, signal);
      return page;
    },
  });
}
