import { TriangleAlert } from "lucide-react";
import { Link } from "react-router";
import { type Workspace, taskOf } from "@/api/workspaces";
import { Badge } from "@/ui/badge";
import { Fact, Facts, Panel } from "@/ui/panel";
import { Status } from "@/ui/status";
import { Age, lasting, useNow } from "@/ui/time";

const SHARE = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

/** How it is doing, as far as that is known. */
export function Standing({ workspace }: { workspace: Workspace }) {
  const { id, status, last_heartbeat, uptime_seconds, queue_depth, active_tasks, max_concurrent, error_rate, sample_error } = workspace;
  const task = taskOf(workspace);
  return (
    <Panel title="How it is doing" beside={<Status status={status} why={sample_error} />}>
      <Facts>
        <Fact name="Last sign of life">{last_heartbeat === null ? "none yet" : <Age at={last_heartbeat} />}</Fact>
        {status === "online" && uptime_seconds > 0 && <Fact name="Running for">{lasting(uptime_seconds * 1_000)}</Fact>}
        <Fact name="Working on">
          {active_tasks} of {max_concurrent} at once
          {active_tasks > 0 && task !== null && <p className="mt-1 text-xs break-words text-ink-soft">{task}</p>}
        </Fact>
        <Fact name="Unfinished post">{queue_depth}</Fact>
        <Fact name="Errors">
          {error_rate === 0 ? "none" : <Badge look={error_rate >= 0.5 ? "bad" : "warn"}>{SHARE.format(error_rate)} of its work</Badge>}
          {error_rate > 0 && sample_error !== null && <p className="mt-1 text-xs break-words text-ink-soft">{sample_error}</p>}
        </Fact>
        <Fact name="Role">
          {workspace.role ?? (
            <Link className="underline" to={`/w/${id}/settings`}>
              Give it one
            </Link>
          )}
        </Fact>
      </Facts>
      <Unreachable until={workspace.unreachable_until} />
    </Panel>
  );
}

function Unreachable({ until }: { until: string | null }) {
  const now = useNow();
  if (until === null) return null;
  const wait = new Date(until).getTime() - now;
  return (
    <p className="mt-3 flex items-start gap-2 rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span>
        It could not be reached at its URL. Its post is kept; the next try is {wait > 0 ? `in ${lasting(wait)}` : "due now"}.
      </span>
    </p>
  );
}
