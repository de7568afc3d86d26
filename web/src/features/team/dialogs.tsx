import { CircleCheck, CircleX } from "lucide-react";
import { useRef } from "react";
import { titlesOf } from "@/api/names";
import { type Workspace, below, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Dialog } from "@/ui/dialog";
import { Names, TakenAlong } from "@/ui/taken-along";
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
  const titles = titlesOf(all);
  const along = workspaces.flatMap(({ id }) => below(all, id));
  const unfinished = [...workspaces, ...along].reduce((sum, { queue_depth }) => sum + queue_depth, 0);
  const report = useRef<Report | null>(null);
  const remove = async () => {
    report.current = await removeAll(workspaces);
  };
  const close = () => ask(report.current && { about: "report", report: report.current });
  return (
    <Confirm open title={`Remove ${named(workspaces, titles)}?`} action="Remove" onConfirm={remove} onClose={close}>
      {workspaces.length > 1 && <Names title="These go:" all={workspaces} titles={titles} />}
      <TakenAlong along={along} titles={titles} unfinished={unfinished} />
    </Confirm>
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
