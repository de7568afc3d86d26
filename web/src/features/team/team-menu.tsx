import { CirclePause, CirclePlay, ClipboardCopy, CopyPlus, FolderInput, MessageSquare, PanelRight, Plug, Plus, SquareCheck, Trash2 } from "lucide-react";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { useNavigate } from "react-router";
import type { Workspace } from "@/api/workspaces";
import { type MenuGroups, RightMenu } from "@/ui/menu";
import { pauseAll } from "./acts";
import type { Ask } from "./asked";
import { copySnippet } from "./connect-dialog";
import { type Select, toggled } from "./selection";
import type { Tree } from "./tree";

interface Props {
  tree: Tree;
  selected: ReadonlySet<string>;
  onSelect: Select;
  ask: Ask;
  children: ReactNode;
}

/** One menu for all that carries a `data-workspace-id`: of that workspace, or of all that are selected when it is one of them. */
export function TeamMenu({ tree, selected, onSelect, ask, children }: Props) {
  const [chosen, setChosen] = useState<readonly Workspace[]>([]);
  const choose = ({ target }: SyntheticEvent) => {
    const id = (target as Element).closest<HTMLElement>("[data-workspace-id]")?.dataset["workspaceId"];
    const ids = id === undefined ? [] : selected.has(id) ? [...selected] : [id];
    setChosen(ids.flatMap((one) => tree.of.get(one)?.workspace ?? []));
  };
  const one = useOne(chosen[0], { selected, onSelect, ask });
  const none = [[{ label: "Add an agent…", icon: Plus, onSelect: () => ask({ about: "add", parent: null }) }]];
  const groups = chosen.length === 0 ? none : chosen.length === 1 ? one : several(chosen, ask);
  return (
    <RightMenu groups={groups}>
      <div className="contents" onContextMenuCapture={choose}>
        {children}
      </div>
    </RightMenu>
  );
}

/** Opens the menu at a button, as a press with the right button there would. */
export function openMenu(button: HTMLElement): void {
  const { left, bottom } = button.getBoundingClientRect();
  button.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX: left, clientY: bottom }));
}

function useOne(workspace: Workspace | undefined, { selected, onSelect, ask }: Pick<Props, "selected" | "onSelect" | "ask">): MenuGroups {
  const navigate = useNavigate();
  if (!workspace) return [];
  const { id, status } = workspace;
  const paused = status === "paused";
  return [
    [
      { label: "Open chat", icon: MessageSquare, onSelect: () => void navigate(`/w/${id}`) },
      { label: "Overview", icon: PanelRight, onSelect: () => void navigate(`/w/${id}/overview`) },
    ],
    [
      { label: paused ? "Resume" : "Pause", icon: paused ? CirclePlay : CirclePause, onSelect: () => void pauseAll([workspace], !paused) },
      { label: "Add child…", icon: Plus, onSelect: () => ask({ about: "add", parent: id }) },
      { label: "Duplicate…", icon: CopyPlus, onSelect: () => ask({ about: "add", parent: workspace.parent_id, like: workspace }) },
      { label: "Move to…", icon: FolderInput, onSelect: () => ask({ about: "move", workspaces: [workspace] }) },
    ],
    [
      { label: "Connect…", icon: Plug, onSelect: () => ask({ about: "connect", workspace }) },
      { label: "Copy connect snippet", icon: ClipboardCopy, onSelect: () => void copySnippet(workspace, ask) },
    ],
    [{ label: selected.has(id) ? "Deselect" : "Select", icon: SquareCheck, onSelect: () => onSelect((now) => toggled(now, id)) }],
    [{ label: "Remove…", icon: Trash2, danger: true, onSelect: () => ask({ about: "remove", workspaces: [workspace] }) }],
  ];
}

/** What is done to all that are selected. */
export function several(workspaces: readonly Workspace[], ask: Ask): MenuGroups {
  const count = workspaces.length;
  const pause = async (paused: boolean) => {
    const report = await pauseAll(workspaces, paused);
    if (report) ask({ about: "report", report });
  };
  return [
    [
      { label: `Pause ${count}`, icon: CirclePause, onSelect: () => void pause(true) },
      { label: `Resume ${count}`, icon: CirclePlay, onSelect: () => void pause(false) },
      { label: `Move ${count} to…`, icon: FolderInput, onSelect: () => ask({ about: "move", workspaces }) },
    ],
    [{ label: `Remove ${count}…`, icon: Trash2, danger: true, onSelect: () => ask({ about: "remove", workspaces }) }],
  ];
}
