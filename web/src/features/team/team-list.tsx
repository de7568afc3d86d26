import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import type { Ask } from "./asked";
import type { Arrangement } from "./kept";
import type { Traffic } from "./post";
import { Row } from "./row";
import type { Search } from "./search";
import { type Select, toggled } from "./selection";
import { type Team, type Tree, open } from "./tree";

interface Props {
  tree: Tree;
  unread: ReadonlyMap<string, number>;
  traffic: Traffic;
  arrangement: Arrangement;
  selected: ReadonlySet<string>;
  onSelect: Select;
  search: Search;
  ask: Ask;
}

/** The team from top to bottom, with everything that the chart has: for small screens, keyboards and screen readers. */
export function TeamList({ tree, unread, traffic, arrangement: { folded, fold }, selected, onSelect, search, ask }: Props) {
  const rows = useMemo(() => open(tree.roots, folded), [tree, folded]);
  const [active, setActive] = useState<string>();
  const toggle = useCallback((id: string) => onSelect((now) => toggled(now, id)), [onSelect]);
  const box = useRef<HTMLDivElement>(null);
  const onKeyDown = useTreeKeys({ rows, active, fold, ask, onToggle: toggle, onGo: (id) => rowOf(box.current, id)?.focus() });
  const { current } = search;
  useEffect(() => {
    if (current !== undefined) rowOf(box.current, current)?.scrollIntoView({ block: "center" });
  }, [current]);
  const reachable = rows.some(({ workspace }) => workspace.id === active) ? active : rows[0]?.workspace.id;
  return (
    <div
      ref={box}
      role="tree"
      aria-label="The team"
      aria-multiselectable
      onKeyDown={onKeyDown}
      onFocus={(event) => setActive(event.target.closest<HTMLElement>("[role=treeitem]")?.dataset["workspaceId"])}
      className="min-h-0 flex-1 overflow-y-auto px-2 py-2 md:px-4"
    >
      {rows.map((team) => {
        const { id } = team.workspace;
        const siblings = team.above?.members ?? tree.roots;
        return (
          <Row
            key={id}
            team={team}
            place={siblings.indexOf(team) + 1}
            of={siblings.length}
            folded={folded.has(id)}
            unread={unread.get(id) ?? 0}
            news={traffic.news.get(id)}
            selected={selected.has(id)}
            reachable={id === reachable}
            found={search.found?.has(id)}
            fold={fold}
            onToggle={toggle}
          />
        );
      })}
    </div>
  );
}

function rowOf(box: HTMLElement | null, id: string): HTMLElement | null | undefined {
  return box?.querySelector<HTMLElement>(`[role=treeitem][data-workspace-id="${id}"]`);
}

interface Keys {
  rows: readonly Team[];
  active: string | undefined;
  fold: Arrangement["fold"];
  ask: Ask;
  onToggle: (id: string) => void;
  onGo: (id: string) => void;
}

/** As in every tree (WAI-ARIA, "Tree View"): arrows walk, open and close; Enter opens the chat, Space selects, Delete asks. */
function useTreeKeys({ rows, active, fold, ask, onToggle, onGo }: Keys) {
  const navigate = useNavigate();
  return (event: KeyboardEvent<HTMLElement>) => {
    const at = rows.findIndex(({ workspace }) => workspace.id === active);
    const team = rows[at];
    if (!team || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!(event.target as Element).matches("[role=treeitem]")) return;
    const { workspace, above, members } = team;
    const { id } = workspace;
    const closed = rows[at + 1]?.above !== team;
    const go = (to: Team | null | undefined) => to && onGo(to.workspace.id);
    const acts: Readonly<Record<string, () => void>> = {
      ArrowDown: () => go(rows[at + 1]),
      ArrowUp: () => go(rows[at - 1]),
      Home: () => go(rows[0]),
      End: () => go(rows.at(-1)),
      ArrowRight: () => (members.length > 0 && closed ? fold([id], false) : go(members[0])),
      ArrowLeft: () => (members.length > 0 && !closed ? fold([id], true) : go(above)),
      Enter: () => void navigate(`/w/${id}`),
      " ": () => onToggle(id),
      Delete: () => ask({ about: "remove", workspaces: [workspace] }),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
}
