import { useQuery } from "@tanstack/react-query";
import { MessageSquarePlus, Spool } from "lucide-react";
import { api, data } from "@/api/client";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Dialog } from "@/ui/dialog";
import { Trouble, Waiting } from "@/ui/notice";
import { Moment } from "@/ui/time";
import type { Entry } from "./entry";

interface Thread {
  id: string;
  /** The first that is known of it. */
  words: string;
  count: number;
  last: string;
}

const LOOKED_AT = 200;

/** The threads of the newest messages, the newest thread first. */
export function threadsOf(entries: readonly Entry[]): Thread[] {
  const threads = new Map<string, Thread>();
  for (const { thread_id: id, content, timestamp, attachments } of entries) {
    const known = threads.get(id);
    const words = known?.words ?? (content || attachments[0]?.filename || "");
    // Written anew, so that the thread of the newest message is the last one.
    threads.delete(id);
    threads.set(id, { id, words, count: (known?.count ?? 0) + 1, last: timestamp });
  }
  return [...threads.values()].reverse();
}

interface Props {
  workspaceId: string;
  chosen: string | null;
  onChoose: (threadId: string | null) => void;
  onNew: () => void;
  onClose: () => void;
}

export function Threads({ workspaceId, chosen, onChoose, onNew, onClose }: Props) {
  const { data: threads, error, refetch } = useQuery({
    queryKey: ["threads", workspaceId],
    staleTime: 0,
    queryFn: async ({ signal }) => {
      const query = { with: "people", limit: LOOKED_AT } as const;
      const page = await data(api.GET("/workspaces/{id}/chat-history", { params: { path: { id: workspaceId }, query }, signal }));
      return threadsOf(page.messages);
    },
  });
  return (
    <Dialog open onClose={onClose} title="Threads" description={`Each is a conversation of its own to the agent. These are those of the newest ${LOOKED_AT} messages.`}>
      <div className="flex flex-col gap-1">
        <div className="flex flex-wrap gap-2 pb-2">
          <Button look="primary" onClick={onNew}>
            <MessageSquarePlus aria-hidden className="size-4" /> New thread
          </Button>
          <Button onClick={() => onChoose(null)} aria-pressed={chosen === null}>
            All threads
          </Button>
        </div>
        {error && <Trouble error={error} onRetry={() => void refetch()} />}
        {!threads && !error && <Waiting what="Fetching the threads" />}
        {threads?.map(({ id, words, count, last }) => (
          <button
            key={id}
            type="button"
            data-thread-id={id}
            aria-pressed={id === chosen}
            onClick={() => onChoose(id)}
            className={classes("flex min-h-11 items-center gap-3 rounded-lg px-2 text-left text-sm", id === chosen ? "bg-accent-soft" : "hover:bg-raised")}
          >
            <Spool aria-hidden className="size-4 shrink-0 text-ink-soft" />
            <span className="min-w-0 flex-1 truncate">{words}</span>
            <span className="shrink-0 text-xs text-ink-soft">
              {count} · <Moment at={last} />
            </span>
          </button>
        ))}
      </div>
    </Dialog>
  );
}
