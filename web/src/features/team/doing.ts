import { type Workspace, worksOn } from "@/api/workspaces";

/** What an agent is at, or what ails it, in one line. */
export function whatItDoes(workspace: Workspace, news: string | undefined): string | null {
  if (workspace.status === "degraded" && workspace.sample_error) return workspace.sample_error;
  return news ?? worksOn(workspace);
}
