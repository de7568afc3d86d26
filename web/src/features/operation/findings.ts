import { inBytes } from "@/ui/bytes";
import { lasting } from "@/ui/time";
import type { Details, Health } from "./health";

/** Something that is not as it should be, and what to do about it. */
export interface Finding {
  bad: boolean;
  what: string;
  advice: string;
  /** Where one does it. */
  to?: { place: string; label: string };
}

/** Seconds that post may wait before somebody should know. */
const LONG = 300;
/** Share of the disk, and bytes: with less it gets tight. */
const TIGHT = { share: 0.1, bytes: 2 ** 30 };
/** Milliseconds after which a server that was not seen is taken for dead. */
const UNSEEN = 30_000;

export function findings(health: Health): readonly Finding[] {
  const { details } = health;
  const all = [...unready(details), ...loops(health), ...disk(details), ...pools(details), ...mailboxes(details), ...servers(details), ...letters(details)];
  return all.sort((one, other) => Number(other.bad) - Number(one.bad));
}

function unready({ ready }: Details): Finding[] {
  if (ready) return [];
  return [{ bad: true, what: "This server takes no requests now.", advice: "It is stopping, or it has lost its database. Agents and senders try again by themselves; look into its log." }];
}

function loops({ vital, details }: Health): Finding[] {
  return details.loops.flatMap(({ name, last_error }) => {
    const loop = vital.loops[name];
    if (!loop?.late) return [];
    const why = last_error === null ? "" : ` The last reason: ${last_error}`;
    return [{ bad: true, what: `The loop “${name}” has not run well for ${lasting(loop.age_seconds * 1_000)}.${why}`, advice: "It is run again by itself. If that does not help within a minute, the log says more; a restart of the server loses nothing." }];
  });
}

function disk({ disk: room }: Details): Finding[] {
  if (room === null || (room.free_bytes > TIGHT.bytes && room.free_bytes > TIGHT.share * room.total_bytes)) return [];
  return [{ bad: room.free_bytes < TIGHT.bytes, what: `Only ${inBytes(room.free_bytes)} of the disk are free.`, advice: "Make room, or move the data. Before it is full, new messages are refused and answers are still taken." }];
}

function pools({ pools: all }: Details): Finding[] {
  return all
    .filter(({ open, idle, limit }) => idle === 0 && open >= limit)
    .map(({ name }) => ({ bad: false, what: `All database connections of the pool “${name}” are in use.`, advice: "For a moment that is nothing. If it stays so, requests wait: raise the limit of the pool, or add a server." }));
}

function mailboxes({ queues }: Details): Finding[] {
  return queues.mailboxes.flatMap(({ workspace: { id, name }, waiting, oldest_seconds, paused, unreachable_until }): Finding[] => {
    const waits = `${waiting === 1 ? "One message waits" : `${waiting} messages wait`} for ${name}, the oldest for ${lasting(oldest_seconds * 1_000)}`;
    if (paused) return [{ bad: false, what: `${waits}: it is paused.`, advice: "They wait until you resume it.", to: { place: `/w/${id}/settings`, label: "Resume it" } }];
    if (unreachable_until !== null) return [{ bad: true, what: `${waits}: it can not be reached at its URL.`, advice: "It is tried again by itself. See whether the agent runs, and whether its URL is right.", to: { place: `/w/${id}/settings`, label: "See its URL" } }];
    if (oldest_seconds < LONG) return [];
    return [{ bad: false, what: `${waits}.`, advice: "Its agent is not there, or slow. Start it, or let it work on more at once.", to: { place: `/w/${id}/overview`, label: "See how it is doing" } }];
  });
}

function servers({ servers: all }: Details): Finding[] {
  // Measured against each other: the clock of this machine may be wrong.
  const newest = Math.max(...all.map(({ seen_at }) => Date.parse(seen_at)));
  return all
    .filter(({ seen_at }) => newest - Date.parse(seen_at) > UNSEEN)
    .map(({ id, seen_at }) => ({ bad: false, what: `The server ${id.slice(-8)} was not seen for ${lasting(newest - Date.parse(seen_at))}.`, advice: "What it had in hand is taken over by the others. If it was not stopped on purpose, see whether it runs." }));
}

function letters({ dead_letters: count }: Details): Finding[] {
  if (count === 0) return [];
  return [{ bad: false, what: count === 1 ? "There is a dead letter." : `There are ${count} dead letters.`, advice: "Messages that came to nothing wait for you to replay or drop them.", to: { place: "/operate/dead-letters", label: "See them" } }];
}
