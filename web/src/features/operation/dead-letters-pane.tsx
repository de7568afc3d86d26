import type { Workspace } from "@/api/workspaces";

export function DeadLettersPane({ workspace }: { workspace: Workspace }) {
  return <p className="p-5">{workspace.name}</p>;
}
