import { List, Network, Plus, Search as SearchIcon } from "lucide-react";
import { useSearchParams } from "react-router";
import { Button, IconButton } from "@/ui/button";
import { useNarrow } from "@/ui/screen";
import type { Search } from "./search";

type Look = "chart" | "list";

/** How the team is looked at: what the address says, else a list where there is little room. */
export function useLook(): readonly [Look, (look: Look) => void] {
  const [parameters, setParameters] = useSearchParams();
  const narrow = useNarrow();
  const asked = parameters.get("view");
  const look = asked === "list" || asked === "chart" ? asked : narrow ? "list" : "chart";
  return [look, (view) => setParameters({ view }, { replace: true })];
}

interface Props {
  count: number;
  search: Search;
  look: Look;
  onLook: (look: Look) => void;
  onAdd: () => void;
}

const LOOKS = [
  { look: "chart", label: "As a chart", icon: Network },
  { look: "list", label: "As a list", icon: List },
] as const;

export function Head({ count, search, look, onLook, onAdd }: Props) {
  return (
    <header className="flex flex-wrap items-center gap-2 border-b border-line bg-surface px-3 py-2.5 md:px-4">
      <h1 className="font-semibold">Team</h1>
      <span className="mr-auto text-sm text-ink-soft">{count === 1 ? "1 agent" : `${count} agents`}</span>
      <Finder search={search} />
      <div role="group" aria-label="How the team is shown" className="flex rounded-lg border border-line">
        {LOOKS.map(({ look: one, label, icon: Icon }) => (
          <IconButton key={one} label={label} aria-pressed={look === one} className={look === one ? "bg-accent-soft" : ""} onClick={() => onLook(one)}>
            <Icon aria-hidden className="size-4" />
          </IconButton>
        ))}
      </div>
      <Button look="primary" onClick={onAdd}>
        <Plus aria-hidden className="size-4" /> <span className="max-[23rem]:sr-only">Add agent</span>
      </Button>
    </header>
  );
}

function Finder({ search: { text, found, number, setText, step } }: { search: Search }) {
  return (
    <div role="search" className="order-last flex min-h-9 w-full min-w-0 items-center gap-2 rounded-lg border border-line-strong bg-surface px-2.5 md:order-none md:w-auto pointer-coarse:min-h-11">
      <SearchIcon aria-hidden className="size-4 shrink-0 text-ink-soft" />
      <input
        type="search"
        aria-label="Find in the team"
        placeholder="Find in the team"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") setText("");
        }}
        className="w-36 min-w-0 flex-1 bg-transparent text-base outline-none placeholder:text-ink-soft sm:text-sm"
      />
      <span role="status" className="text-xs whitespace-nowrap text-ink-soft">
        {found && (found.size === 0 ? "none" : `${number} of ${found.size}`)}
      </span>
    </div>
  );
}
