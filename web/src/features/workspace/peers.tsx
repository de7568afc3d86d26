import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, data } from "@/api/client";
import type { Workspace } from "@/api/workspaces";
import { Avatar } from "@/ui/avatar";
import { Trouble, Waiting } from "@/ui/notice";
import { Panel } from "@/ui/panel";
import { Status } from "@/ui/status";

/** Whom it may talk to, as the tree has it. */
export function Peers({ workspace: { id } }: { workspace: Workspace }) {
  const peers = useQuery({
    queryKey: ["workspaces", id, "peers"],
    queryFn: () => data(api.GET("/registry/{id}/peers", { params: { path: { id } } })),
  });
  return (
    <Panel title="May talk to" beside={peers.data && peers.data.length > 0 && <span className="text-xs text-ink-soft">{peers.data.length}</span>}>
      {peers.isPending && <Waiting what="Looking for its peers" />}
      {peers.error && !peers.data && <Trouble error={peers.error} onRetry={() => void peers.refetch()} />}
      {peers.data?.length === 0 && <p className="text-sm text-ink-soft">Nobody: there is no other agent beside it, above it or below it.</p>}
      <ul className="-m-2 max-h-80 overflow-y-auto">
        {peers.data?.map((peer) => (
          <li key={peer.id}>
            <Link to={`/w/${peer.id}/overview`} className="flex min-h-11 items-center gap-3 rounded-lg p-2 text-sm hover:bg-raised">
              <Avatar name={peer.name} small />
              <span className="min-w-0 flex-1 truncate">
                {peer.name} <span className="text-ink-soft">{peer.role}</span>
              </span>
              <Status status={peer.status} />
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
