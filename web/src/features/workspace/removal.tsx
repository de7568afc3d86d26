import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { type Workspace, below, removeWorkspace, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Panel } from "@/ui/panel";
import { tell } from "@/ui/toast";

export function Removal({ workspace }: { workspace: Workspace }) {
  const [asked, setAsked] = useState(false);
  const navigate = useNavigate();
  const remove = async () => {
    await removeWorkspace(workspace.id);
    tell(`${workspace.name} was removed.`);
    await navigate("/team");
  };
  return (
    <Panel title="Remove">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-xl text-sm text-ink-soft">For good: its unfinished post fails, its senders are told, its tokens are refused. What was said stays in the history of the others.</p>
        <Button look="danger" onClick={() => setAsked(true)}>
          <Trash2 aria-hidden className="size-4" /> Remove
        </Button>
      </div>
      <Confirm open={asked} title={`Remove ${workspace.name}?`} action="Remove" onClose={() => setAsked(false)} onConfirm={remove}>
        <TakenAlong workspace={workspace} />
      </Confirm>
    </Panel>
  );
}

/** What goes with it, by name and number. */
function TakenAlong({ workspace }: { workspace: Workspace }) {
  const { data: all = [] } = useWorkspaces();
  const under = below(all, workspace.id);
  const unfinished = [workspace, ...under].reduce((sum, one) => sum + one.queue_depth, 0);
  return (
    <>
      {under.length > 0 && (
        <div>
          <p>{under.length === 1 ? "The agent below it goes with it:" : `The ${under.length} agents below it go with it:`}</p>
          <ul className="mt-1 max-h-40 list-disc overflow-y-auto pl-5 text-ink-soft">
            {under.map(({ id, name }) => (
              <li key={id}>{name}</li>
            ))}
          </ul>
        </div>
      )}
      {unfinished > 0 && <p>{unfinished === 1 ? "One unfinished message fails." : `${unfinished} unfinished messages fail.`} Their senders are told.</p>}
      <p>The tokens are refused from then on. This can not be undone.</p>
    </>
  );
}
