import type { Schemas } from "@/api/client";

/** A line of a conversation as the server keeps it. */
export type Entry = Schemas["EntryShape"];
export type Page = Schemas["HistoryShape"];

const ENDS = new Set<Entry["state"]>(["replied", "input_required", "failed", "cancelled", "expired"]);

export function hasEnded({ state }: Entry): boolean {
  return ENDS.has(state);
}
