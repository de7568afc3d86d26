import type { Workspace } from "@/api/workspaces";

export function ActivityPane({ workspace }: { workspace: Workspace }) {
  return <p className="p-5">{workspace.name}</p>;
}
