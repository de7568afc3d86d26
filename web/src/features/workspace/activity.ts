import { type InfiniteData, infiniteQueryOptions } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Schemas, api, data } from "@/api/client";
import { type Frame, live } from "@/api/live";

export type Row = Schemas["ActivityShape"];

/** What is looked at; an empty text narrows nothing. `type` is an event's name, or its first word. */
export interface Wanted {
  type: string;
  source: string;
  peer: string;
}

const PAGE = 100;

/** Backwards from the newest, page by page, each from where the one above it ends. What comes later is heard (`useHeard`). */
export const activityQuery = (workspace: string, { type, source, peer }: Wanted) =>
  infiniteQueryOptions({
    queryKey: ["activity", workspace, type, source, peer],
    queryFn: async ({ pageParam }) => {
      const query = { limit: PAGE, before_id: pageParam, type: type || null, source: source || null, peer_id: peer || null };
      const rows = await data(api.GET("/workspaces/{id}/activity", { params: { path: { id: workspace }, query: given(query) } }));
      return rows.reverse();
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.cursor),
    // Nothing is kept once it is not looked at: what happens then is not heard.
    gcTime: 0,
  });

/** Without what is not given: the server would take "null" for a word. */
function given<T extends Record<string, unknown>>(query: T) {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== null)) as { [name in keyof T]?: NonNullable<T[name]> };
}

/** What the feed has said since one began to look, the newest first. */
export function useHeard(workspace: string, wanted: Wanted): readonly Row[] {
  const { type, source, peer } = wanted;
  const [heard, setHeard] = useState<readonly Row[]>([]);
  useEffect(
    () =>
      live.onFrame((frame) => {
        const row = rowOf(frame);
        if (concerns(row, workspace) && matches(row, { type, source, peer })) setHeard((rows) => [row, ...rows]);
      }),
    [workspace, type, source, peer],
  );
  return heard;
}

/** What was heard above what was read. The two overlap where they meet: the first page is read while the feed already speaks. */
export function merged(heard: readonly Row[], read: InfiniteData<Row[]>): readonly Row[] {
  const older = read.pages.flat();
  const known = new Set(older.map(({ id }) => id));
  return [...heard.filter(({ id }) => !known.has(id)), ...older];
}

function rowOf({ event, workspace_id, timestamp, cursor, payload }: Frame): Row {
  const { message_id = null, peer_id = null, actor = { kind: "server", id: null }, ...rest } = payload;
  return { id: cursor, cursor, event, workspace_id, peer_id, message_id, actor, timestamp, payload: rest };
}

const concerns = (row: Row, workspace: string) => row.workspace_id === workspace || row.peer_id === workspace;

/** As the server narrows. */
function matches({ event, actor, workspace_id, peer_id }: Row, { type, source, peer }: Wanted): boolean {
  if (type && type !== event && type !== event.split(".")[0]) return false;
  if (source && source !== actor.kind) return false;
  return !peer || peer === workspace_id || peer === peer_id;
}
