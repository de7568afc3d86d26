import { Command, useCommandState } from "cmdk";
import { Search } from "lucide-react";
import { useEffect } from "react";
import { useMatch, useNavigate } from "react-router";
import { useChats } from "@/api/chats";
import { titlesOf } from "@/api/names";
import { useWorkspaces } from "@/api/workspaces";
import { Avatar } from "@/ui/avatar";
import { Status } from "@/ui/status";
import { PLACES, useMore } from "./navigation";

const ROW = "flex min-h-10 items-center gap-3 rounded-lg px-3 text-sm data-[selected=true]:bg-raised pointer-coarse:min-h-12";
const GROUP = "[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-ink-soft";

/** Everything by a few letters: Ctrl-K, or Cmd-K. */
export function Palette({ open, onOpen }: { open: boolean; onOpen: (open: boolean) => void }) {
  const { data: workspaces = [] } = useWorkspaces();
  const titles = titlesOf(workspaces);
  const navigate = useNavigate();
  useShortcut(() => onOpen(!open));
  const acts = useMore().flat().filter(({ chosen }) => !chosen);
  const act = (run: () => void) => {
    onOpen(false);
    run();
  };
  const go = (to: string) => act(() => void navigate(to));
  return (
    <Command.Dialog
      open={open}
      onOpenChange={onOpen}
      label="Find an agent, a page or a message"
      filter={rank}
      overlayClassName="fixed inset-0 z-40 bg-black/45"
      contentClassName="fixed top-[12dvh] left-1/2 z-50 w-[min(36rem,calc(100vw-1.5rem))] -translate-x-1/2 overflow-hidden rounded-2xl border border-line bg-surface shadow-raised"
    >
      <Command.Input placeholder="An agent, a page, words of a chat…" className="w-full border-b border-line bg-transparent px-4 py-3.5 text-base outline-none placeholder:text-ink-soft" />
      <Command.List className="max-h-[50dvh] overflow-y-auto p-2">
        <Command.Empty className="p-4 text-center text-sm text-ink-soft">Nothing has that name.</Command.Empty>
        <Command.Group heading="Agents" className={GROUP}>
          {workspaces.map(({ id, name, role, status }) => (
            <Command.Item key={id} value={`${name}\n${id}`} keywords={role ? [role] : []} onSelect={() => go(`/w/${id}`)} className={ROW}>
              <Avatar name={name} small />
              <span className="min-w-0 flex-1 truncate">
                {titles.get(id)} <span className="text-ink-soft">{role}</span>
              </span>
              <Status status={status} />
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Pages" className={GROUP}>
          {PLACES.map(({ to, label, icon: Icon }) => (
            <Command.Item key={to} value={label} onSelect={() => go(to)} className={ROW}>
              <Icon aria-hidden className="mx-1.5 size-4" /> {label}
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Actions" className={GROUP}>
          {acts.map(({ label, icon: Icon, onSelect }) => (
            <Command.Item key={label} value={label} onSelect={() => act(onSelect)} className={ROW}>
              {Icon && <Icon aria-hidden className="size-4" />} {label}
            </Command.Item>
          ))}
        </Command.Group>
        <Said titles={titles} onGo={go} />
      </Command.List>
    </Command.Dialog>
  );
}

/** Chats that are offered to be searched. */
const MOST = 3;

/** What is typed may have been said: in the chat that is open, else in those that were spoken in last. */
function Said({ titles, onGo }: { titles: ReadonlyMap<string, string>; onGo: (to: string) => void }) {
  const words = useCommandState(({ search }) => search.trim());
  const open = useMatch("/w/:id/*")?.params.id;
  const { data: chats = [] } = useChats();
  const spoken = chats.flatMap(({ workspace_id: id, last_message: last }) => (last ? [{ id, at: last.timestamp }] : [])).sort((one, other) => other.at.localeCompare(one.at));
  const where = (open === undefined ? spoken.map(({ id }) => id) : [open]).filter((id) => titles.has(id)).slice(0, MOST);
  if (words === "" || where.length === 0) return null;
  return (
    <Command.Group forceMount heading="Messages" className={GROUP}>
      {where.map((id) => (
        <Command.Item key={id} forceMount value={`chat\n${id}`} onSelect={() => onGo(`/w/${id}?${new URLSearchParams({ find: words }).toString()}`)} className={ROW}>
          <Search aria-hidden className="size-4 shrink-0" />
          <span className="min-w-0 py-2 break-words">
            Search “{words}” in the chat with {titles.get(id)}
          </span>
        </Command.Item>
      ))}
    </Command.Group>
  );
}

/** What begins with the letters, then what has them in its name, then in its role. Letters that are merely in that order are in any long name. */
function rank(value: string, search: string, roles: readonly string[] = []): number {
  const [name = "", asked] = [value.split("\n")[0]?.toLowerCase(), search.trim().toLowerCase()];
  if (name.startsWith(asked)) return 1;
  if (name.includes(asked)) return 0.7;
  return roles.some((role) => role.toLowerCase().includes(asked)) ? 0.4 : 0;
}

function useShortcut(toggle: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      toggle();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [toggle]);
}
