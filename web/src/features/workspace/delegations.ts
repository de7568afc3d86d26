import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Schemas, api, data } from "@/api/client";

export type Delegation = Schemas["DelegationShape"];
/** A delegation with what was asked of others as part of it; without `children`, as far as is known. */
export type Tree = Schemas["TreeShape"];

const PAGE = 50;

/** What a workspace asked of others, the newest first. */
export const delegationsQuery = (workspace: string, open: boolean) =>
  infiniteQueryOptions({
    queryKey: ["delegations", workspace, open],
    queryFn: ({ pageParam }) => data(api.GET("/workspaces/{id}/delegations", { params: { path: { id: workspace }, query: { limit: PAGE, open, ...(pageParam && { before: pageParam }) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

/** One with all that hangs below it. */
export const treeQuery = ({ source, delegation_id }: { source: { id: string }; delegation_id: string }) =>
  queryOptions({
    queryKey: ["delegations", "tree", delegation_id],
    queryFn: () => data(api.GET("/workspaces/{id}/delegations/{delegation_id}", { params: { path: { id: source.id, delegation_id }, query: { tree: true } } })),
  });

/** Cancelled at once, or its holder is asked to stop. */
export function cancelDelegation({ source, delegation_id }: Delegation): Promise<Delegation> {
  return data(api.POST("/workspaces/{id}/delegations/{delegation_id}/cancel", { params: { path: { id: source.id, delegation_id } } }));
}

/** Those that were asked as part of the same message stand together; each asked of its own accord stands alone. */
export function grouped(delegations: readonly Delegation[]): readonly (readonly Delegation[])[] {
  const groups = new Map<string, Delegation[]>();
  for (const one of delegations) {
    const key = one.on_behalf_of ?? one.delegation_id;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** A tree from top to bottom, as it is drawn, each with how deep it stands. */
export function flat(tree: Tree, depth = 0): readonly { one: Delegation; depth: number }[] {
  return [{ one: tree, depth }, ...(tree.children ?? []).flatMap((child) => flat(child, depth + 1))];
}
