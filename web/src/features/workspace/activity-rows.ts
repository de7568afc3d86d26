import { type Schemas, api, data } from "@/api/client";
import type { Frame } from "@/api/live";

export type Row = Schemas["ActivityShape"];

/** What is looked at; an empty text narrows nothing. `type` is an event's name, or its first word. */
export interface Wanted {
  type: string;
  source: string;
  peer: string;
}

export const PROGRESS = "message.progress";

/** A line of the list: one event, or all that was told of the progress of one message with nothing else between. */
export interface Entry {
  /** The newest of them. */
  readonly row: Row;
  readonly count: number;
  /** The cursor of the oldest. */
  readonly first: string;
}

export const entryOf = (row: Row): Entry => ({ row, count: 1, first: row.cursor });

/**
 * Progress of the same message as one line, the newest lines first before and after. Agents that speak at the same time are one line each, in the
 * order in which they began, so that none of them jumps at each word.
 */
export function folded(entries: readonly Entry[]): readonly Entry[] {
  const lines: Entry[] = [];
  let places = new Map<string, number>();
  for (const entry of entries.toReversed()) {
    const { event, message_id } = entry.row;
    if (event !== PROGRESS || message_id === null) {
      places = new Map();
      lines.push(entry);
      continue;
    }
    const place = places.get(message_id) ?? lines.length;
    const before = lines[place];
    lines[place] = before ? { row: entry.row, count: before.count + entry.count, first: before.first } : entry;
    places.set(message_id, place);
  }
  return lines.reverse();
}

/** Rows, the newest first, and where those before them begin; null is the beginning of all. */
interface Page {
  readonly rows: readonly Row[];
  readonly before: string | null;
}

const PAGE = 100;

/** The newest, or those before a cursor. Fails as a Problem, with 410 when what was there is not kept any more. */
export async function readRows(workspace: string, { type, source, peer }: Wanted, before: string | null): Promise<Page> {
  const query = { limit: PAGE, before_id: before, type: type || null, source: source || null, peer_id: peer || null };
  const rows = (await data(api.GET("/workspaces/{id}/activity", { params: { path: { id: workspace }, query: given(query) } }))).reverse();
  return { rows, before: rows.length < PAGE ? null : (rows.at(-1)?.cursor ?? null) };
}

/** Without what is not given: the server would take "null" for a word. */
function given<T extends Record<string, unknown>>(query: T) {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== null)) as { [name in keyof T]?: NonNullable<T[name]> };
}

/** As the server would tell it. */
export function rowOf({ event, workspace_id, timestamp, cursor, payload }: Frame): Row {
  const { message_id = null, peer_id = null, actor = { kind: "server", id: null }, ...rest } = payload;
  return { id: cursor, cursor, event, workspace_id, peer_id, message_id, actor, timestamp, payload: rest };
}

/** As the server narrows. */
export function isWanted({ event, actor, workspace_id, peer_id }: Row, workspace: string, { type, source, peer }: Wanted): boolean {
  if (workspace !== workspace_id && workspace !== peer_id) return false;
  if (type && type !== event && type !== event.split(".")[0]) return false;
  if (source && source !== actor.kind) return false;
  return !peer || peer === workspace_id || peer === peer_id;
}
