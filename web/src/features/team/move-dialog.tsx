import { Command } from "cmdk";
import { CornerLeftUp } from "lucide-react";
import { titlesOf } from "@/api/names";
import { type Workspace, useWorkspaces } from "@/api/workspaces";
import { Avatar } from "@/ui/avatar";
import { Dialog } from "@/ui/dialog";
import { moveAll, named } from "./acts";
import type { Ask } from "./asked";

const ROW = "flex min-h-10 items-center gap-3 rounded-lg px-3 text-sm data-[disabled=true]:opacity-50 data-[selected=true]:bg-raised pointer-coarse:min-h-12";

/** Whose team they are to stand in. Whether that can be, the server says. */
export function MoveDialog({ workspaces, ask }: { workspaces: readonly Workspace[]; ask: Ask }) {
  const { data: all = [] } = useWorkspaces();
  const moving = new Set(workspaces.map(({ id }) => id));
  const isHome = (parent: string | null) => workspaces.every(({ parent_id }) => parent_id === parent);
  const names = new Map(all.map(({ id, name }) => [id, name]));
  const move = async (parent: string | null) => {
    ask(null);
    const report = await moveAll(workspaces, parent);
    if (report) ask({ about: "report", report });
  };
  return (
    <Dialog open onClose={() => ask(null)} title={`Move ${named(workspaces, titlesOf(all))}`} description="What hangs below comes along.">
      <Command label="In whose team" className="flex min-h-0 flex-col gap-2">
        <Command.Input autoFocus placeholder="In whose team?" className="w-full rounded-lg border border-line-strong bg-surface px-3 py-2 text-base outline-offset-2 placeholder:text-ink-soft sm:text-sm" />
        <Command.List className="h-72 overflow-y-auto">
          <Command.Empty className="p-4 text-center text-sm text-ink-soft">Nobody has that name.</Command.Empty>
          <Command.Item value="Out of every team, to the top" keywords={["root", "nobody"]} disabled={isHome(null)} onSelect={() => void move(null)} className={ROW}>
            <span className="flex size-7 items-center justify-center">
              <CornerLeftUp aria-hidden className="size-4" />
            </span>
            Out of every team, to the top
          </Command.Item>
          {all
            .filter(({ id }) => !moving.has(id))
            .map(({ id, name, role, parent_id }) => (
              <Command.Item key={id} value={`${name} ${id}`} keywords={role ? [role] : []} disabled={isHome(id)} onSelect={() => void move(id)} className={ROW}>
                <Avatar name={name} small />
                <span className="min-w-0 flex-1 truncate">{name}</span>
                <span className="max-w-[45%] truncate text-xs text-ink-soft">{isHome(id) ? "is there now" : parent_id && `below ${names.get(parent_id) ?? ""}`}</span>
              </Command.Item>
            ))}
        </Command.List>
      </Command>
    </Dialog>
  );
}
