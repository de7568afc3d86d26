import { type Frame, live } from "./live";
import { queries } from "./queries";

/**
 * What the feed says is out of date is asked for again, a burst of frames once. Chats do their own (features/chat): they patch rather
 * than ask. A query says by its first key what it shows; an event is looked up by its name, then by its family.
 */
const STALE: Readonly<Record<string, readonly string[]>> = {
  "message.": ["workspaces", "chats", "delegations"],
  "message.progress": ["delegations"],
  "message.failed": ["workspaces", "chats", "delegations", "dead-letters"],
  "message.expired": ["workspaces", "chats", "delegations", "dead-letters"],
  "notice.": ["chats"],
  "mailbox.": ["chats"],
  "workspace.": ["workspaces", "chats"],
  "dead_letter.": ["dead-letters"],
};

/** Milliseconds. Soon enough for "within a second", rare enough for 200 messages at once. */
const GATHER = 250;

let waiting = new Set<string>();

export function keepFresh(): void {
  live.onFresh(() => mark(queries.getQueryCache().getAll().map(({ queryKey }) => String(queryKey[0]))));
  live.onFrame((frame) => mark(staleBy(frame)));
  // The feed goes on behind what it has told, but what it told may have been asked for in vain while the server was away.
  live.watch(() => live.state === "live" && void queries.refetchQueries({ type: "active", predicate: ({ state }) => state.status === "error" }));
}

function staleBy({ event }: Frame): readonly string[] {
  return STALE[event] ?? STALE[`${event.split(".")[0] ?? ""}.`] ?? [];
}

function mark(stale: readonly string[]): void {
  if (stale.length === 0) return;
  if (waiting.size === 0) setTimeout(refresh, GATHER);
  for (const key of stale) waiting.add(key);
}

function refresh(): void {
  // What is being asked for was asked before this was heard, so its answer may be older: again when it is there.
  const early = new Set([...waiting].filter((key) => queries.isFetching({ queryKey: [key] }) > 0));
  const keys = [...waiting].filter((key) => !early.has(key));
  waiting = early;
  if (early.size > 0) setTimeout(refresh, GATHER);
  for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
}
