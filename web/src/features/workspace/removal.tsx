import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { titlesOf } from "@/api/names";
import { type Workspace, below, removeWorkspace, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Panel } from "@/ui/panel";
import { TakenAlong } from "@/ui/taken-along";
import { tell } from "@/ui/toast";

export function Removal({ workspace }: { workspace: Workspace }) {
  const [asked, setAsked] = useState(false);
  const navigate = useNavigate();
  const { data: all = [] } = useWorkspaces();
  const along = below(all, workspace.id);
  const titles = titlesOf(all);
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
      <Confirm open={asked} title={`Remove ${titles.get(workspace.id) ?? workspace.name}?`} action="Remove" onClose={() => setAsked(false)} onConfirm={remove}>
        <TakenAlong along={along} titles={titles} unfinished={along.reduce((sum, one) => sum + one.queue_depth, workspace.queue_depth)} />
      </Confirm>
    </Panel>
  );
}
