import { useEffect, useState } from "react";
import { type Chat, chatsQuery, useChats } from "@/api/chats";
import { api, data } from "@/api/client";
import { queries } from "@/api/queries";
import { useAttention } from "./attention";
import type { Window } from "./window";

/** How far this reader had read when the chat was opened; null when there was nothing new. */
export function useOpenedAt(workspaceId: string): number | null {
  const chat = useChats().data?.find(({ workspace_id }) => workspace_id === workspaceId);
  const [opened, setOpened] = useState(chat);
  if (!opened && chat) setOpened(chat);
  return opened && opened.unread > 0 ? opened.read_seq : null;
}

/** What lies before the eyes of somebody is read: on all devices. `along`: the newest is on the screen. */
export function useReadMark(workspaceId: string, { entries }: Window, along: boolean): void {
  const attention = useAttention();
  const readSeq = useChats().data?.find(({ workspace_id }) => workspace_id === workspaceId)?.read_seq;
  const seen = entries.findLast(({ role }) => role === "agent")?.seq ?? 0;
  useEffect(() => {
    if (attention && along && readSeq !== undefined && seen > readSeq) void mark(workspaceId, seen);
  }, [workspaceId, attention, along, readSeq, seen]);
}

async function mark(workspaceId: string, seq: number): Promise<void> {
  try {
    const now = await data(api.PUT("/workspaces/{id}/read", { params: { path: { id: workspaceId } }, body: { seq } }));
    queries.setQueryData<Chat[]>(chatsQuery.queryKey, (all) => all?.map((chat) => (chat.workspace_id === workspaceId ? { ...chat, ...now } : chat)));
  } catch {
    // It stays unread, as the badge says, until the next look.
    return;
  }
}
