import { Link } from "react-router";
import { Badge } from "@/ui/badge";
import { Panel } from "@/ui/panel";
import { Table } from "@/ui/table";
import { Age, lasting } from "@/ui/time";
import type { Health } from "./health";

/** The mailboxes in which most waits. */
export function Mailboxes({ health: { details } }: { health: Health }) {
  const { mailboxes } = details.queues;
  return (
    <Panel title="Where post waits">
      {mailboxes.length === 0 ? (
        <p className="text-sm text-ink-soft">Nowhere: all that was sent is being worked on or has come to an end.</p>
      ) : (
        <Table label="Where post waits" columns={["Agent", "Waiting", "The oldest for", "State"]}>
          {mailboxes.map(({ workspace, waiting, oldest_seconds, paused, unreachable_until }) => (
            <tr key={workspace.id}>
              <td>
                <Link className="underline" to={`/w/${workspace.id}/overview`}>
                  {workspace.name}
                </Link>
              </td>
              <td className="tabular-nums">{waiting}</td>
              <td className="tabular-nums">{lasting(oldest_seconds * 1_000)}</td>
              <td>
                {paused && <Badge>paused</Badge>} {unreachable_until !== null && <Badge look="bad">not reached</Badge>}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}

/** What each loop is there for; a newer server may have others. */
const PURPOSES: Readonly<Record<string, string>> = {
  wake: "tells the servers of each other's news",
  deliver: "calls agents with their post",
  extend: "keeps what is being worked on in hand",
  disown: "gives up what another server has taken over",
  presence: "notes which agents were heard of",
  rescue: "takes over what a dead server had in hand",
  repair: "finds post that waits although there is room",
  expire: "ends what is past its deadline",
  orphans: "cancels what nobody wants any more",
  silence: "notes which agents have fallen silent",
  prune: "forgets old events",
  disk: "watches the room on the disk",
};

/** What runs in the background of the server that answers. */
export function Loops({ health: { details, vital } }: { health: Health }) {
  return (
    <Panel title="Background work">
      <Table label="Background work" columns={["Loop", "Runs", "Failures", "Last ran well", "Last reason"]}>
        {details.loops.map(({ name, runs, failures, last_error, last_run_at }) => (
          <tr key={name}>
            <td className="min-w-44">
              <span className="block font-medium">{name}</span>
              <span className="text-xs text-ink-soft">{PURPOSES[name]}</span>
            </td>
            <td className="tabular-nums">{runs}</td>
            <td className="tabular-nums">{failures}</td>
            <td className="whitespace-nowrap">{last_run_at === null ? "not yet" : <Age at={last_run_at} />}</td>
            <td className="min-w-40 break-words">
              {vital.loops[name]?.late && <Badge look="bad">late</Badge>} {last_error !== null && <span className="text-xs text-ink-soft">{last_error}</span>}
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}

export function Pools({ health: { details } }: { health: Health }) {
  return (
    <Panel title="Database connections">
      <Table label="Database connections" columns={["Pool", "In use", "Open", "At most"]}>
        {details.pools.map(({ name, limit, open, idle }) => (
          <tr key={name}>
            <td className="font-medium">{name}</td>
            <td className="tabular-nums">{open - idle}</td>
            <td className="tabular-nums">{open}</td>
            <td className="tabular-nums">{limit}</td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}

export function Servers({ health: { details } }: { health: Health }) {
  return (
    <Panel title="Servers">
      <Table label="Servers" columns={["Server", "Started", "Last seen"]}>
        {details.servers.map(({ id, started_at, seen_at }) => (
          <tr key={id}>
            <td className="font-mono text-xs" title={id}>
              {id.slice(-8)}
            </td>
            <td className="whitespace-nowrap">
              <Age at={started_at} />
            </td>
            <td className="whitespace-nowrap">
              <Age at={seen_at} />
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}
