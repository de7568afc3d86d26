import { queryOptions } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";
import { queries } from "./queries";

export type Token = Schemas["TokenShape"];
export type MadeToken = Schemas["MadeTokenShape"];

/** The live tokens of a workspace. The feed is silent about them: each call below refreshes them. */
export const tokensQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["tokens", workspace],
    queryFn: () => data(api.GET("/workspaces/{id}/tokens", { params: { path: { id: workspace } } })),
    staleTime: 0,
  });

const refresh = (workspace: string) => queries.invalidateQueries({ queryKey: ["tokens", workspace] });

/** The only time that the token itself is seen. */
export async function makeToken(workspace: string, label: string | null): Promise<MadeToken> {
  const made = await data(api.POST("/workspaces/{id}/tokens", { params: { path: { id: workspace } }, body: { label } }));
  await refresh(workspace);
  return made;
}

/** The very next request with it is refused. */
export async function revokeToken(workspace: string, token: string): Promise<void> {
  await data(api.DELETE("/workspaces/{id}/tokens/{token_id}", { params: { path: { id: workspace, token_id: token } } }));
  await refresh(workspace);
}
