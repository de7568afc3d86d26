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
  live.onFresh(() => void queries.invalidateQueries());
  live.onFrame((frame) => mark(frame));
}

function mark(frame: Frame): void {
  const kind = `${frame.event.split(".")[0] ?? ""}.`;
  const stale = STALE[frame.event] ?? STALE[kind] ?? [];
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
