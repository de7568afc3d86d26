import { CircleCheck, CircleX } from "lucide-react";
import { useRef } from "react";
import { type Workspace, below, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Dialog } from "@/ui/dialog";
import { type Report, named, removeAll } from "./acts";
import { AddDialog } from "./add-dialog";
import type { Ask, Asked } from "./asked";
import { ConnectDialog } from "./connect-dialog";
import { MoveDialog } from "./move-dialog";

/** Whatever is asked of the person now. */
export function Dialogs({ asked, ask }: { asked: Asked | null; ask: Ask }) {
  const close = () => ask(null);
  switch (asked?.about) {
    case "add":
      return <AddDialog parent={asked.parent} like={asked.like} onClose={close} />;
    case "connect":
      return <ConnectDialog workspace={asked.workspace} onClose={close} />;
    case "move":
      return <MoveDialog workspaces={asked.workspaces} ask={ask} />;
    case "remove":
      return <RemoveDialog workspaces={asked.workspaces} ask={ask} />;
    case "report":
      return <ReportDialog report={asked.report} onClose={close} />;
    case undefined:
      return null;
  }
}

/** Names what goes with them. */
function RemoveDialog({ workspaces, ask }: { workspaces: readonly Workspace[]; ask: Ask }) {
  const { data: all = [] } = useWorkspaces();
  const along = workspaces.flatMap(({ id }) => below(all, id));
  const unfinished = [...workspaces, ...along].reduce((sum, { queue_depth }) => sum + queue_depth, 0);
  const report = useRef<Report | null>(null);
  const remove = async () => {
    report.current = await removeAll(workspaces);
  };
  const close = () => ask(report.current && { about: "report", report: report.current });
  return (
    <Confirm open title={`Delete ${named(workspaces)}?`} action="Delete" onConfirm={remove} onClose={close}>
      {workspaces.length > 1 && <Names title="These go:" all={workspaces} />}
      {along.length > 0 && <Names title={along.length === 1 ? "The agent below goes with it:" : `The ${along.length} agents below go, too:`} all={along} />}
      {unfinished > 0 && <p>{unfinished === 1 ? "One unfinished message fails." : `${unfinished} unfinished messages fail.`} Their senders are told.</p>}
      <p>The tokens are refused from then on. This can not be undone.</p>
    </Confirm>
  );
}

function Names({ title, all }: { title: string; all: readonly Workspace[] }) {
  return (
    <div>
      <p>{title}</p>
      <ul className="mt-1 max-h-40 list-disc overflow-y-auto pl-5 text-ink-soft">
        {all.map(({ id, name }) => (
          <li key={id}>{name}</li>
        ))}
      </ul>
    </div>
  );
}

/** What worked and what did not. */
function ReportDialog({ report: { verb, done, refused }, onClose }: { report: Report; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title={`${verb} ${done.length} of ${done.length + refused.length}`}>
      <ul className="flex flex-col gap-2 text-sm">
        {refused.map(({ workspace: { id, name }, reason }) => (
          <li key={id} className="flex items-start gap-2">
            <CircleX aria-label="Not done" className="mt-0.5 size-4 shrink-0 text-bad" />
            <span>
              <strong className="font-medium">{name}</strong>: {reason instanceof Error ? reason.message : "Something went wrong."}
            </span>
          </li>
        ))}
        {done.map(({ id, name }) => (
          <li key={id} className="flex items-center gap-2">
            <CircleCheck aria-label="Done" className="size-4 shrink-0 text-good" /> {name}
          </li>
        ))}
      </ul>
      <div className="mt-5 flex justify-end">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
