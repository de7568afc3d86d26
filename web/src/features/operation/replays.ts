import { useSyncExternalStore } from "react";
import { type DeadLetter, replay } from "@/api/dead-letters";
import { type Frame, live } from "@/api/live";

type State = "sent" | "being worked on" | "answered" | "failed" | "cancelled" | "expired";

/** A letter that was replayed here, and what came of that so far. */
export interface Replay {
  letter: DeadLetter;
  /** The message that says it again. */
  as: string;
  state: State;
}

const STATES: Readonly<Record<string, State>> = {
  "message.handed": "being worked on",
  "message.replied": "answered",
  "message.failed": "failed",
  "message.cancelled": "cancelled",
  "message.expired": "expired",
};

let replays: readonly Replay[] = [];
/** While letters are on their way: the feed may tell what becomes of one before the answer to the request is here. */
let sending = 0;
const told = new Map<string, State>();
const watchers = new Set<() => void>();

live.onFrame(hear);

function hear({ event, payload: { message_id: id } }: Frame): void {
  const state = STATES[event];
  if (state === undefined || !id) return;
  if (sending > 0) told.set(id, state);
  if (replays.some(({ as }) => as === id)) set(replays.map((one) => (one.as === id ? { ...one, state } : one)));
}

function set(next: readonly Replay[]): void {
  replays = next;
  for (const changed of watchers) changed();
}

/** Replays it and follows what becomes of it. */
export async function replayAndFollow(letter: DeadLetter): Promise<void> {
  sending += 1;
  try {
    const as = await replay(letter);
    set([{ letter, as, state: told.get(as) ?? "sent" }, ...replays.filter((one) => one.as !== as)]);
  } finally {
    sending -= 1;
    if (sending === 0) told.clear();
  }
}

/** Those of this visit, the newest first. */
export function useReplays(): readonly Replay[] {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => replays,
  );
}
