import type { Workspace } from "@/api/workspaces";

/** A conversation: with people, or the agent's own with other agents. */
export function ChatPane({ workspace, view }: { workspace: Workspace; view: "people" | "agents" }) {
  return <p className="p-5">{`${workspace.name}: ${view}`}</p>;
}
