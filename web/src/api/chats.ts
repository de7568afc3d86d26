import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";

/** How the people's conversation with one agent stands. */
export type Chat = Schemas["ChatShape"];

export const chatsQuery = queryOptions({ queryKey: ["chats"], queryFn: () => data(api.GET("/chats")) });

export function useChats() {
  return useQuery(chatsQuery);
}

/** How much is unread in all of them. */
export function useUnreadTotal(): number {
  return useChats().data?.reduce((sum, { unread }) => sum + unread, 0) ?? 0;
}
