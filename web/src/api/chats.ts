import { queryOptions, useQuery } from "@tanstack/react-query";
import { request } from "./client";

/** How the people's conversation with one agent stands. */
export interface Chat {
  workspace_id: string;
  /** Of the agent's messages after `read_seq`; 100 stands for more. */
  unread: number;
  read_seq: number;
  last_message: LastMessage | null;
}

export interface LastMessage {
  id: string;
  seq: number;
  role: "user" | "agent";
  sender: { kind: string; id: string; name: string };
  preview: string;
  state: string;
  timestamp: string;
}

export const chatsQuery = queryOptions({
  queryKey: ["chats"],
  queryFn: async () => (await (await request("/chats")).json()) as Chat[],
});

export function useChats() {
  return useQuery(chatsQuery);
}
