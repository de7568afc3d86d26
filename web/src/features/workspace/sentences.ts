import { type LucideIcon, ArrowRight, Bell, Boxes, CircleCheck, CircleHelp, CircleX, Eye, Hand, Hourglass, Mail, MailX, RotateCcw, Undo2 } from "lucide-react";
import type { Row } from "./activity-rows";

/** Who is meant: a workspace by its id, the one who did it by kind and id. */
export interface Names {
  workspace: (id: string | null) => string;
  actor: (actor: Row["actor"]) => string;
}

export interface Told {
  sentence: string;
  icon: LucideIcon;
  /** How it went, for what can go well or badly. */
  tone?: "good" | "warn" | "bad";
  /** What was said, or why. */
  detail?: string | undefined;
}

type Tell = (row: Row, names: Names) => Told;

const about = (row: Row, names: Names) => names.workspace(row.workspace_id);
const word = (value: unknown) => (typeof value === "string" && value ? value : undefined);
const preview = ({ payload }: Row) => word(payload.preview);

/** Errors are `{code, detail}`; the detail may be the agent's own. */
function reason({ payload: { error } }: Row): string | undefined {
  const { detail, code } = (error ?? {}) as { detail?: unknown; code?: unknown };
  return word(detail) ?? word(code);
}

/** The text of the parts; the rest is in the body. */
function said({ payload: { parts, status } }: Row): string | undefined {
  const texts = Array.isArray(parts) ? (parts as { text?: unknown }[]).flatMap((part) => word(part.text) ?? []) : [];
  return word(texts.join(" ")) ?? word(status);
}

/** Whose message it is: another workspace's, or a person's. */
const whose = (row: Row, names: Names) => (row.peer_id === null ? "a message" : `a message of ${names.workspace(row.peer_id)}`);

/** The events that docs/http.md lists, as a person would tell them. */
const TELL: Readonly<Record<string, Tell>> = {
  "message.accepted": (row, names) => ({ icon: Mail, sentence: `${names.actor(row.actor)} wrote to ${about(row, names)}`, detail: preview(row) }),
  "message.handed": (row, names) => ({
    icon: ArrowRight,
    sentence: `${about(row, names)} is working on ${whose(row, names)}${Number(row.payload.attempt) > 1 ? `, attempt ${String(row.payload.attempt)}` : ""}`,
  }),
  "message.progress": (row, names) => ({ icon: Hourglass, sentence: `${about(row, names)} says how far it is`, detail: said(row) }),
  "message.retrying": (row, names) => ({
    icon: RotateCcw,
    tone: "warn",
    sentence: row.payload.reached === false ? `${about(row, names)} could not be reached; it is tried again` : `${about(row, names)} did not finish ${whose(row, names)}; it is tried again`,
    detail: reason(row),
  }),
  "message.released": (row, names) => ({ icon: Undo2, sentence: `${about(row, names)} gave ${whose(row, names)} back unused` }),
  "message.cancel_requested": (row, names) => ({ icon: Hand, sentence: `${names.actor(row.actor)} asked ${about(row, names)} to stop` }),
  "message.replied": (row, names) =>
    row.payload.interrupted === true
      ? { icon: CircleHelp, tone: "warn", sentence: `${about(row, names)} asked back`, detail: preview(row) }
      : { icon: CircleCheck, tone: "good", sentence: `${about(row, names)} answered ${whose(row, names)}`, detail: preview(row) },
  "message.failed": (row, names) => ({ icon: CircleX, tone: "bad", sentence: `${about(row, names)} failed with ${whose(row, names)}`, detail: reason(row) }),
  "message.cancelled": (row, names) => ({ icon: CircleX, sentence: `${names.actor(row.actor)} cancelled ${whose(row, names)} to ${about(row, names)}`, detail: preview(row) }),
  "message.expired": (row, names) => ({ icon: MailX, tone: "bad", sentence: `${about(row, names)} did not answer ${whose(row, names)} in time`, detail: preview(row) }),
  "message.late": (row, names) => ({ icon: Hourglass, tone: "warn", sentence: `${about(row, names)} answered ${whose(row, names)} too late, which has no effect`, detail: preview(row) }),
  "notice.posted": (row, names) => ({ icon: Bell, sentence: `${about(row, names)} told its people`, detail: preview(row) }),
  "mailbox.read": (row, names) => ({ icon: Eye, sentence: `${names.actor(row.actor)} read what ${about(row, names)} said` }),
  "dead_letter.replayed": (row, names) => ({ icon: RotateCcw, sentence: `${names.actor(row.actor)} replayed a dead letter to ${about(row, names)}` }),
  "dead_letter.dropped": (row, names) => ({ icon: MailX, sentence: `${names.actor(row.actor)} dropped a dead letter to ${about(row, names)}` }),
  "workspace.created": (row, names) => ({ icon: Boxes, sentence: `${names.actor(row.actor)} made ${word(row.payload.name) ?? about(row, names)}` }),
  "workspace.updated": (row, names) => ({ icon: Boxes, sentence: `${names.actor(row.actor)} changed ${about(row, names)}`, detail: Object.keys(row.payload).join(", ") }),
  "workspace.moved": (row, names) => ({
    icon: Boxes,
    sentence: `${names.actor(row.actor)} moved ${about(row, names)} ${word(row.payload.to) ? `below ${names.workspace(String(row.payload.to))}` : "to the top of the tree"}`,
  }),
  "workspace.registered": (row, names) => ({ icon: Boxes, tone: "good", sentence: `${about(row, names)} came in; it ${row.payload.delivery_mode === "push" ? "is called" : "fetches its post"}` }),
  "workspace.card_updated": (row, names) => ({ icon: Boxes, sentence: `${about(row, names)} has another card` }),
  "workspace.online": (row, names) => ({ icon: CircleCheck, tone: "good", sentence: `${about(row, names)} is online` }),
  "workspace.degraded": (row, names) => ({ icon: CircleHelp, tone: "warn", sentence: `At least half of what ${about(row, names)} does fails`, detail: word(row.payload.sample_error) }),
  "workspace.offline": (row, names) => ({ icon: CircleX, tone: "warn", sentence: `${about(row, names)} is offline` }),
  "workspace.paused": (row, names) => ({ icon: Hand, sentence: `${names.actor(row.actor)} paused ${about(row, names)}` }),
  "workspace.resumed": (row, names) => ({ icon: ArrowRight, sentence: `${names.actor(row.actor)} resumed ${about(row, names)}` }),
  "workspace.removed": (row, names) => ({ icon: CircleX, tone: "bad", sentence: `${names.actor(row.actor)} removed ${about(row, names)}` }),
};

/** The names of all events, in the order in which things happen. */
export const EVENTS = Object.keys(TELL);

/** A newer server may tell what this page does not know yet: then by its name. */
export function tell(row: Row, names: Names): Told {
  return TELL[row.event]?.(row, names) ?? { icon: CircleHelp, sentence: `${about(row, names)}: ${row.event}` };
}
