import { useInfiniteQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type SubmitEvent, useEffect, useState } from "react";
import { Button, IconButton } from "@/ui/button";
import { Field } from "@/ui/field";
import { Trouble, Waiting } from "@/ui/notice";
import { Moment } from "@/ui/time";
import type { Entry, Page } from "./entry";
import { type Place, type Which, placeOf, readPage } from "./pages";

interface Props {
  which: Which;
  /** What is looked for at first. */
  begin: string;
  /** Show the message at this place. */
  onJump: (place: Place) => void;
  onClose: () => void;
}

/** Milliseconds without another letter, after which it is looked for. */
const PAUSE = 300;

/** Words in this conversation, the newest first. */
export function Search({ which, begin, onJump, onClose }: Props) {
  const [text, setText] = useState(begin);
  const [words, setWords] = useState(begin.trim());
  useEffect(() => {
    const timer = setTimeout(() => setWords(text.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  const search = (event: SubmitEvent) => {
    event.preventDefault();
    setWords(text.trim());
  };
  return (
    <div role="search" aria-label="Search this chat" onKeyDown={(event) => event.key === "Escape" && onClose()} className="border-b border-line bg-surface px-3 py-2 md:px-5">
      <form onSubmit={search} className="mx-auto flex max-w-4xl items-center gap-2">
        <div className="flex-1">
          <Field label="Words to look for" bare placeholder="Words to look for" value={text} maxLength={200} autoFocus enterKeyHint="search" onChange={(event) => setText(event.target.value)} />
        </div>
        <IconButton label="Close the search" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </form>
      {words !== "" && <Found key={words} which={which} words={words} onJump={onJump} />}
    </div>
  );
}

function Found({ which, words, onJump }: Pick<Props, "which" | "onJump"> & { words: string }) {
  const found = useFound(which, words);
  const entries = found.data?.pages.flatMap(({ messages }) => messages.toReversed()) ?? [];
  if (found.error) return <Trouble error={found.error} onRetry={() => void found.refetch()} />;
  return (
    <div className="mx-auto max-h-[40dvh] max-w-4xl overflow-y-auto pt-1">
      <ul aria-label="Found">
        {entries.map((entry) => (
          <li key={entry.id}>
            <button type="button" onClick={() => onJump(placeOf(entry, which))} className="flex min-h-9 w-full items-center gap-3 rounded-lg px-2 py-1 text-left text-sm hover:bg-raised pointer-coarse:min-h-11">
              <span className="shrink-0 font-medium">{entry.sender.name}</span>
              <Around entry={entry} words={words} />
              <span className="shrink-0 text-xs text-ink-soft">
                <Moment at={entry.timestamp} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {found.isFetching && <Waiting what="Looking" />}
      {!found.isFetching && entries.length === 0 && <p className="p-2 text-sm text-ink-soft">{found.hasNextPage ? "Not so far." : "Nobody said that here."}</p>}
      {!found.isFetching && found.hasNextPage && (
        <Button look="quiet" onClick={() => void found.fetchNextPage()}>
          Look further back
        </Button>
      )}
    </div>
  );
}

/** Characters before the words. */
const BEFORE = 24;

function Around({ entry: { content }, words }: { entry: Entry; words: string }) {
  const at = content.toLowerCase().indexOf(words.toLowerCase());
  const start = Math.max(0, at - BEFORE);
  if (at < 0) return <span className="min-w-0 flex-1 truncate">{content.slice(0, 200)}</span>;
  return (
    <span className="min-w-0 flex-1 truncate">
      {start > 0 && "…"}
      {content.slice(start, at)}
      <mark className="bg-warn-soft text-ink">{content.slice(at, at + words.length)}</mark>
      {content.slice(at + words.length, at + 200)}
    </span>
  );
}

/** Calls for one press. Each looks at a thousand messages, so that one may find nothing without being the last. */
const CALLS = 20;

function useFound(which: Which, words: string) {
  const read = (before: string | null, signal: AbortSignal) => readPage(which, { q: words, limit: 20, ...(before !== null && { before }) }, signal);
  return useInfiniteQuery({
    queryKey: ["search", which, words],
    staleTime: 0,
    gcTime: 0,
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }: Page) => next,
    queryFn: async ({ pageParam, signal }) => {
      let page = await read(pageParam, signal);
      for (let calls = 1; calls < CALLS && page.messages.length === 0 && page.next !== null; calls++) page = await read(page.next, signal);
      return page;
    },
  });
}
