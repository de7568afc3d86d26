import type { Outgoing } from "@/api/kept";
import type { Entry } from "./entry";
import type { Shown } from "./history";
import type { Step } from "./trail";

interface Place {
  readonly key: string;
  /** It is the first of its day: when that is. */
  readonly day: string | null;
  /** It is the first that was not read when the chat was opened. */
  readonly unread: boolean;
  /** It was looked for. */
  readonly found: boolean;
}

/** A line on the screen. */
export type Row = Place & (Said | { readonly outgoing: Outgoing });

interface Said {
  readonly entry: Entry;
  readonly steps: readonly Step[];
  /** What it answers, where something else was said in between; null where that is plain or not here. */
  readonly asked: Entry | null;
}

const NONE: readonly Step[] = [];

/** A message keeps its key when it moves from the outbox to the history, and so its place on the screen. */
export function rowsOf({ window, outgoing, trails, opening }: Shown, readSeq: number | null): Row[] {
  let last = "";
  const unread = readSeq === null ? undefined : window.entries.find(({ role, seq }) => role === "agent" && seq > readSeq);
  const known = new Map(window.entries.map((entry) => [entry.id, entry]));
  const entries = window.entries.map((entry, at): Row => {
    const day = new Date(entry.timestamp).toDateString();
    const first = day !== last;
    last = day;
    // Agents name their messages as they like, and so alike.
    const key = entry.sender.kind === "workspace" ? entry.id : (entry.sent_as ?? entry.id);
    const asked = known.get(entry.reply_to ?? "") ?? null;
    return {
      key,
      day: first ? entry.timestamp : null,
      unread: entry === unread,
      found: entry.seq === opening?.at || entry.id === opening?.at,
      entry,
      steps: trails.get(entry.id) ?? NONE,
      asked: asked === window.entries[at - 1] ? null : asked,
    };
  });
  return window.newer ? entries : [...entries, ...outgoing.map((one): Row => ({ key: one.key, day: null, unread: false, found: false, outgoing: one }))];
}
