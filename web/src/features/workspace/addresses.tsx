import { Link } from "react-router";
import type { Workspace } from "@/api/workspaces";
import { Code } from "@/ui/copy";
import { Panel } from "@/ui/panel";

/** Where others reach it, and how its post reaches it. */
export function Addresses({ workspace }: { workspace: Workspace }) {
  const base = `${location.origin}/workspaces/${workspace.id}`;
  return (
    <Panel title="Addresses">
      <div className="flex flex-col gap-4 text-sm">
        <div className="flex flex-col gap-1">
          <h3 className="font-medium">A2A</h3>
          <p className="text-xs text-ink-soft">Post for it goes here; it is accepted and kept whether the agent is there or not.</p>
          <Code label="A2A address" text={`${base}/a2a`} />
        </div>
        <div className="flex flex-col gap-1">
          <h3 className="font-medium">MCP</h3>
          <p className="text-xs text-ink-soft">Here it comes in as a client, with a token of its own: post, peers and delegations as tools.</p>
          <Code label="MCP address" text={`${base}/mcp`} />
        </div>
        <div className="flex flex-col gap-1">
          <h3 className="font-medium">How its post gets to it</h3>
          <Reached workspace={workspace} />
        </div>
      </div>
    </Panel>
  );
}

function Reached({ workspace: { id, delivery_mode, url } }: { workspace: Workspace }) {
  if (delivery_mode === "poll") return <p className="text-ink-soft">It fetches its post with its token, so it needs no open port.</p>;
  if (url) {
    return (
      <>
        <p className="text-xs text-ink-soft">It is called at its own URL.</p>
        <Code label="Its own URL" text={url} />
      </>
    );
  }
  return (
    <p className="rounded-lg bg-warn-soft px-3 py-2 text-warn">
      It is to be called, but has no URL: its post waits.{" "}
      <Link className="underline" to={`/w/${id}/settings`}>
        Give it a URL, or let it fetch
      </Link>
    </p>
  );
}
