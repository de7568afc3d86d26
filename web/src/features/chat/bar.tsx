import { Search as SearchIcon, Spool } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { Button } from "@/ui/button";
import type { Which } from "./pages";
import { newThread } from "./sending";
import { Threads } from "./threads";

interface Props {
  which: Which;
  searching: boolean;
  onSearch: () => void;
}

/** Which part of the conversation is shown, and the way to another one. */
export function Bar({ which: { workspaceId, view, threadId }, searching, onSearch }: Props) {
  const [, setAddress] = useSearchParams();
  const [open, setOpen] = useState(false);
  const choose = (thread: string | null) => {
    setOpen(false);
    setAddress(thread === null ? {} : { thread });
  };
  return (
    <div className="flex items-center gap-1 border-b border-line bg-surface px-2 py-0.5 writing:hidden md:px-4">
      {view === "people" ? (
        <Button look="quiet" className="font-normal text-ink-soft" onClick={() => setOpen(true)}>
          <Spool aria-hidden className="size-4" /> {threadId === null ? "All threads" : "One thread"}
        </Button>
      ) : (
        <p className="truncate px-3 text-sm text-ink-soft">Between this agent and others</p>
      )}
      {threadId !== null && (
        <Button look="quiet" className="font-normal underline" onClick={() => choose(null)}>
          Show all
        </Button>
      )}
      <span className="flex-1" />
      <Button look="quiet" className="font-normal text-ink-soft" aria-expanded={searching} onClick={onSearch}>
        <SearchIcon aria-hidden className="size-4" />
        <span>
          Search<span className="sr-only"> this chat</span>
        </span>
      </Button>
      {open && <Threads workspaceId={workspaceId} chosen={threadId} onChoose={choose} onNew={() => choose(newThread())} onClose={() => setOpen(false)} />}
    </div>
  );
}
