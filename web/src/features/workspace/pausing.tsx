import { useMutation } from "@tanstack/react-query";
import { Pause, Play } from "lucide-react";
import { type Workspace, pauseWorkspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Panel } from "@/ui/panel";
import { complain } from "@/ui/toast";

export function Pausing({ workspace: { id, status, queue_depth } }: { workspace: Workspace }) {
  const paused = status === "paused";
  const change = useMutation({ mutationFn: () => pauseWorkspace(id, !paused), onError: complain });
  const Icon = paused ? Play : Pause;
  return (
    <Panel title={paused ? "It is paused" : "Pause"}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-xl text-sm text-ink-soft">
          {paused
            ? `Its post is accepted and waits (${queue_depth} now). Resumed, it gets it in the order in which it came.`
            : "Paused, its post is accepted and waits; what it is working on it may finish."}
        </p>
        <Button busy={change.isPending} onClick={() => change.mutate()}>
          <Icon aria-hidden className="size-4" /> {paused ? "Resume" : "Pause"}
        </Button>
      </div>
    </Panel>
  );
}
