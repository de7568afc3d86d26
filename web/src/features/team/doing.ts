import type { Workspace } from "@/api/workspaces";

/** What an agent is at, or what ails it, in one line. */
export function whatItDoes({ current_task, active_tasks, sample_error, status }: Workspace, news: string | undefined): string | null {
  if (status === "degraded" && sample_error) return sample_error;
  return news ?? current_task ?? (active_tasks > 0 ? "At work" : null);
}
