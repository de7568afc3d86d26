import type { Outgoing } from "@/api/kept";
import type { Entry } from "./entry";
import type { Shown } from "./history";

/** A line on the screen. `day`: the first of its day. */
export type Row = { readonly key: string; readonly day: string | null } & ({ readonly entry: Entry } | { readonly outgoing: Outgoing });

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** A message keeps its key when it moves from the outbox to the history, and so its place on the screen. */
export function rowsOf({ window, outgoing }: Shown): Row[] {
  let last = "";
  const entries = window.entries.map((entry): Row => {
    const day = DAY.format(new Date(entry.timestamp));
    const first = day !== last;
    last = day;
    return { key: entry.sent_as ?? entry.id, day: first ? day : null, entry };
  });
  return window.newer ? entries : [...entries, ...outgoing.map((one): Row => ({ key: one.key, day: null, outgoing: one }))];
}
