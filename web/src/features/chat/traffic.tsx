import { Link } from "react-router";
import { classes } from "@/ui/classes";
import { type View, Blank, isBlank } from "./blank";
import { Conversation } from "./conversation";
import type { Entry } from "./entry";
import type { Speaker } from "./message";

/** What this agent and others ask of each other, and what comes of it: to be read only. */
export function Traffic({ workspace, history, shown }: View) {
  return (
    <section aria-label="Traffic with other agents" className="flex min-h-0 flex-1 flex-col">
      {isBlank(shown) ? (
        <Blank history={history} shown={shown}>
          <p>What {workspace.name} and other agents ask of each other, and what comes of it, is here.</p>
        </Blank>
      ) : (
        <Conversation
          history={history}
          shown={shown}
          name="other agents"
          readSeq={null}
          unread={0}
          speaker={(entry) => speaker(entry, workspace.id)}
          below={(entry) => <Ways entry={entry} workspaceId={workspace.id} />}
          workspaceId={null}
        />
      )}
    </section>
  );
}

/** Who says it to whom. */
function speaker({ sender, receiver, report }: Entry, workspaceId: string): Speaker {
  const right = sender.id === workspaceId;
  if (receiver === null) return { right, name: `${sender.name}, to nobody: it has read this` };
  return {
    right,
    name: report === null ? `${sender.name} → ${receiver.name}` : `${sender.name} → ${receiver.name}: ${ENDS[report.status]}`,
    answerer: `${receiver.name} → ${sender.name}`,
  };
}

/** What a post tells of the delegation that it is the end of. */
const ENDS: Readonly<Record<NonNullable<Entry["report"]>["status"], string>> = {
  accepted: "accepted",
  handed: "being worked on",
  completed: "the answer",
  input_required: "a question back",
  failed: "it failed",
  cancelled: "it was cancelled",
  expired: "it expired",
};

const WAY = "inline-flex items-center underline pointer-coarse:min-h-11";

/** To the one at the other end, and to all that hangs on what was asked. */
function Ways({ entry, workspaceId }: { entry: Entry; workspaceId: string }) {
  const ours = entry.sender.id === workspaceId;
  const other = ours ? entry.receiver : entry.sender;
  const asked = delegationOf(entry);
  if (other === null || other.id === workspaceId) return null;
  return (
    <p className={classes("flex flex-wrap gap-x-3 px-1 pb-1 text-xs text-ink-soft", ours && entry.answer === null && "justify-end")}>
      <Link className={WAY} to={`/w/${other.id}`}>
        Chat with {other.name}
      </Link>
      {asked && (
        <Link className={WAY} to={`/w/${asked.by}/delegations?one=${asked.id}`}>
          The delegation
        </Link>
      )}
    </p>
  );
}

/** The delegation that a line is the beginning or the end of, and whose it is. */
function delegationOf({ id, role, sender, receiver, report, reply_to }: Entry): { by: string; id: string } | null {
  if (receiver === null) return null;
  if (report !== null) return { by: receiver.id, id: report.delegation_id };
  if (role === "user") return { by: sender.id, id };
  return reply_to === null ? null : { by: receiver.id, id: reply_to };
}
