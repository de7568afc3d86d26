import { api, data } from "@/api/client";
import type { Frame } from "@/api/live";
import type { Entry, Page } from "./entry";

export interface Which {
  readonly workspaceId: string;
  readonly view: "people" | "agents";
  /** Only this thread; null is all of them. */
  readonly threadId: string | null;
}

/** Where a line stands: its number among people, whose post lies in one mailbox; its id among agents, whose post lies in several. */
export type Place = number | string;

export function placeOf(entry: Entry, { view }: Which): Place {
  return view === "people" ? entry.seq : entry.id;
}

/** Whether an event is of this conversation; what agents say to each other has a peer. */
export function isAbout({ view, threadId }: Which, { payload }: Frame): boolean {
  return !payload.peer_id === (view === "people") && (threadId === null || payload.thread_id === threadId);
}

interface Wanted {
  before?: Place;
  after?: Place;
  around?: Place;
  q?: string;
  limit: number;
}

export function readPage({ workspaceId, view, threadId }: Which, wanted: Wanted, signal?: AbortSignal): Promise<Page> {
  const query = { with: view, inline: false, ...(threadId !== null && { thread_id: threadId }), ...wanted };
  return data(api.GET("/workspaces/{id}/chat-history", { params: { path: { id: workspaceId }, query }, ...(signal && { signal }) }));
}
