import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Schemas, api, data } from "./client";
import { queries } from "./queries";
import type { operations } from "./schema";

export type Workspace = Schemas["WorkspaceShape"];
export type NewWorkspace = operations["create_workspaces_post"]["requestBody"]["content"]["application/json"];
export type CreatedWorkspace = Schemas["CreatedShape"];
export type Change = operations["change_workspaces__id__patch"]["requestBody"]["content"]["application/json"];

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

/** As far as it is known without asking. */
export function nameOf(id: string): string | null {
  return queries.getQueryData(workspacesQuery.queryKey)?.find((one) => one.id === id)?.name ?? null;
}

const refresh = () => queries.invalidateQueries({ queryKey: workspacesQuery.queryKey });

/** What comes back holds the first token, which is shown this once. Raises Problem, whose `fields` name what was refused. */
export async function createWorkspace(workspace: NewWorkspace): Promise<CreatedWorkspace> {
  const made = await data(api.POST("/workspaces", { body: workspace }));
  await refresh();
  return made;
}

/** All of the change, or none of it. Raises Problem, whose `fields` name what was refused. */
export async function changeWorkspace(id: string, change: Change): Promise<void> {
  await data(api.PATCH("/workspaces/{id}", { params: { path: { id } }, body: change }));
  await refresh();
}

/** A paused mailbox accepts post and hands out none. */
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What it is working on, null for nothing. Agents say so with their heartbeats, so the post in its mailbox is asked as well. */
export function worksOn(workspace: Workspace): string | null {
  if (workspace.queue_depth === 0 || workspace.active_tasks === 0) return null;
  return taskOf(workspace) ?? "Working on a message";
}

/** What it calls that, if it does: many name a message by its id, which tells nobody anything. */
export function taskOf({ current_task }: Workspace): string | null {
  return current_task === null || ID.test(current_task) ? null : current_task;
}

export async function pauseWorkspace(id: string, paused: boolean): Promise<void> {
  await data(api.POST(paused ? "/workspaces/{id}/pause" : "/workspaces/{id}/resume", { params: { path: { id } } }));
  await refresh();
}

/** Removes it with all that is below; who asks has confirmed that. */
export async function removeWorkspace(id: string): Promise<void> {
  await data(api.DELETE("/workspaces/{id}", { params: { path: { id }, query: { confirm: true } } }));
  await refresh();
}

/** All that hangs below one, however deep. */
export function below(all: readonly Workspace[], id: string): Workspace[] {
  return all.filter(({ parent_id }) => parent_id === id).flatMap((child) => [child, ...below(all, child.id)]);
}
