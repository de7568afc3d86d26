import type { Workspace } from "@/api/workspaces";

export function DelegationsPane({ workspace }: { workspace: Workspace }) {
  return <p className="p-5">{workspace.name}</p>;
}
