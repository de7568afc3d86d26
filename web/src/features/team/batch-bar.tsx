import { X } from "lucide-react";
import type { Workspace } from "@/api/workspaces";
import { Button, IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import type { Ask } from "./asked";
import { several } from "./team-menu";

interface Props {
  workspaces: readonly Workspace[];
  ask: Ask;
  onClear: () => void;
  /** It lies over what is below, and does not push it away. */
  floating: boolean;
}

/** What can be done to all that are selected. */
export function BatchBar({ workspaces, ask, onClear, floating }: Props) {
  return (
    <div className={classes("pointer-events-none flex justify-center px-3", floating ? "absolute inset-x-0 top-3 z-20" : "pt-3")}>
      <div role="toolbar" aria-label="Selected agents" className="pointer-events-auto flex max-w-full items-center gap-1 overflow-x-auto rounded-xl border border-line bg-surface p-1 shadow-raised">
        {several(workspaces, ask)
          .flat()
          .map(({ label, icon: Icon, onSelect, danger }) => (
            <Button key={label} look={danger ? "danger" : "quiet"} className="whitespace-nowrap" onClick={onSelect}>
              {Icon && <Icon aria-hidden className="size-4" />} {label}
            </Button>
          ))}
        <IconButton label="Clear the selection" onClick={onClear}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
    </div>
  );
}
