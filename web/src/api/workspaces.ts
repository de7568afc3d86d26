import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";

export type Workspace = Schemas["WorkspaceShape"];

export const workspacesQuery = queryOptions({
  queryKey: ["workspaces"],
  // People manage, so they see each in full.
  queryFn: async () => (await data(api.GET("/workspaces"))) as Workspace[],
});

/** The whole team, kept fresh by the feed. */
export function useWorkspaces() {
  return useQuery(workspacesQuery);
}

export function useWorkspace(id: string): Workspace | undefined {
  return useQuery({ ...workspacesQuery, select: (all) => all.find((one) => one.id === id) }).data;
}
