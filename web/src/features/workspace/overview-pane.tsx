import { useQuery } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { Workspace } from "@/api/workspaces";
import { Sheet } from "@/ui/panel";
import { Addresses } from "./addresses";
import { AgentCard } from "./agent-card";
import { Peers } from "./peers";
import { Standing } from "./standing";
import { Tokens } from "./tokens";

/** Milliseconds. Signs of life are not in the feed: what an agent says of itself with them is asked for while it is looked at. */
const LOOK_AGAIN = 5_000;

/** Who it is, how it is doing, how one reaches it and how it comes in. */
export function OverviewPane({ workspace }: { workspace: Workspace }) {
  const { data: now = workspace } = useQuery({
    queryKey: ["workspaces", workspace.id],
    // People manage, so they see it in full.
    queryFn: async () => (await data(api.GET("/workspaces/{id}", { params: { path: { id: workspace.id } } }))) as Workspace,
    refetchInterval: LOOK_AGAIN,
  });
  return (
    <Sheet>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <Standing workspace={now} />
          <AgentCard workspace={now} />
          <Peers workspace={now} />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Addresses workspace={now} />
          <Tokens workspace={now} />
        </div>
      </div>
    </Sheet>
  );
}
