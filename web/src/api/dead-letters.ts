import { infiniteQueryOptions, queryOptions, useQuery } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";
import { queries } from "./queries";

export type DeadLetter = Schemas["DeadLetterShape"];

const PAGE = 50;

/** What came to nothing and was neither sent again nor dropped, the newest first: of one workspace, or of all. */
export const deadLettersQuery = (workspace: string | null) =>
  infiniteQueryOptions({
    queryKey: ["dead-letters", workspace],
    queryFn: ({ pageParam }) => data(api.GET("/dead-letters", { params: { query: { limit: PAGE, ...(workspace && { workspace_id: workspace }), ...(pageParam && { before: pageParam }) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

const totalQuery = queryOptions({
  queryKey: ["dead-letters", "total"],
  queryFn: async () => (await data(api.GET("/dead-letters", { params: { query: { limit: 1 } } }))).total,
});

/** How many there are in all; 0 until it is known. */
export function useDeadLetterTotal(): number {
  return useQuery(totalQuery).data ?? 0;
}

/** Sends it again, once, whoever asks; the id of the message that says it again. */
export async function replay({ message_id }: Pick<DeadLetter, "message_id">): Promise<string> {
  return (await data(api.POST("/dead-letters/{message_id}/replay", { params: { path: { message_id } } }))).message_id;
}

export async function drop({ message_id }: DeadLetter): Promise<void> {
  await data(api.POST("/dead-letters/{message_id}/drop", { params: { path: { message_id } } }));
}

export const refreshDeadLetters = () => queries.invalidateQueries({ queryKey: ["dead-letters"] });
