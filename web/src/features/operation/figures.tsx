import type { ReactNode } from "react";
import { inBytes } from "@/ui/bytes";
import { Age, lasting } from "@/ui/time";
import type { Health } from "./health";

/** The post room at a glance. */
export function Figures({ health: { details } }: { health: Health }) {
  const { queues, listeners, database, disk, started_at, dead_letters } = details;
  return (
    <dl className="grid grid-cols-2 gap-2 sm:grid-cols-4">
      <Figure name="Waiting" value={queues.waiting}>
        {queues.waiting > 0 && <>the oldest for {lasting(queues.oldest_waiting_seconds * 1_000)}</>}
      </Figure>
      <Figure name="Being worked on" value={queues.handed} />
      <Figure name="Dead letters" value={dead_letters} />
      <Figure name="Live feeds" value={listeners}>
        open now
      </Figure>
      <Figure name="Database" value={inBytes(database.size_bytes)}>
        PostgreSQL {database.version}
      </Figure>
      <Figure name="Disk" value={disk === null ? "elsewhere" : inBytes(disk.free_bytes)}>
        {disk === null ? "watch it where it is" : <>free of {inBytes(disk.total_bytes)}</>}
      </Figure>
      <Figure name="Servers" value={details.servers.length} />
      <Figure name="Started" value={<Age at={started_at} />}>
        this server
      </Figure>
    </dl>
  );
}

function Figure({ name, value, children }: { name: string; value: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex flex-col rounded-xl border border-line bg-surface px-4 py-3">
      <dt className="text-xs text-ink-soft">{name}</dt>
      <dd>
        <span className="block text-xl font-semibold tabular-nums">{value}</span>
        <span className="block text-xs text-ink-soft">{children}</span>
      </dd>
    </div>
  );
}
