import { Check, ChevronDown, ChevronRight, EllipsisVertical } from "lucide-react";
import { memo } from "react";
import { Link } from "react-router";
import { Avatar } from "@/ui/avatar";
import { Unread } from "@/ui/badge";
import { IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Status } from "@/ui/status";
import { whatItDoes } from "./doing";
import type { Arrangement } from "./kept";
import { Queue } from "./queue";
import { openMenu } from "./team-menu";
import type { Team } from "./tree";

interface Props {
  team: Team;
  /** Among its siblings, from 1. */
  place: number;
  of: number;
  folded: boolean;
  unread: number;
  news: string | undefined;
  selected: boolean;
  /** By the Tab key; one row of all is. */
  reachable: boolean;
  found: boolean | undefined;
  fold: Arrangement["fold"];
  onToggle: (id: string) => void;
}

/** Pixels for each level; deeper ones than these stay where they can be read. */
const INDENT = 20;
const DEEPEST = 8;

/** One workspace in the list. What is in it is for fingers and mice; keys act on the row. */
export const Row = memo(
  function Row({ team, place, of, folded, unread, news, selected, reachable, found, fold, onToggle }: Props) {
    const { workspace, level, members } = team;
    const { id, name, role, status, queue_depth } = workspace;
    const doing = whatItDoes(workspace, news);
    return (
      <div
        role="treeitem"
        aria-level={level}
        aria-posinset={place}
        aria-setsize={of}
        aria-selected={selected}
        {...(members.length > 0 && { "aria-expanded": !folded })}
        tabIndex={reachable ? 0 : -1}
        data-workspace-id={id}
        style={{ paddingLeft: (Math.min(level, DEEPEST) - 1) * INDENT }}
        className={classes(
          "relative flex min-h-14 items-center gap-2 rounded-xl pr-1 [contain-intrinsic-size:auto_3.5rem] [content-visibility:auto] hover:bg-raised focus-visible:-outline-offset-2",
          selected && "bg-accent-soft",
          found === true && "ring-2 ring-accent ring-inset",
          found === false && "grayscale",
        )}
      >
        {/* What is read comes first: a row is named by all that is in it, in this order. */}
        <div className="order-3 flex min-w-0 flex-1 items-center gap-2">
          <div className="min-w-0 flex-1 py-1.5">
            {/* The whole row is pressed to open it. */}
            <Link to={`/w/${id}`} tabIndex={-1} className="block truncate text-sm font-semibold after:absolute after:inset-0 after:content-['']">
              {name}
            </Link>
            <p className={classes("truncate text-xs", doing ? "text-ink" : "text-ink-soft")}>{doing ?? role}</p>
          </div>
          {queue_depth > 0 && <Queue depth={queue_depth} />}
          <Unread count={unread} />
          <Status status={status} brief />
        </div>
        <Opener name={name} folded={folded} onFold={() => fold([id], !folded)} shown={members.length > 0} />
        <button type="button" tabIndex={-1} aria-label={selected ? `Deselect ${name}` : `Select ${name}`} onClick={() => onToggle(id)} className="relative z-10 order-2 shrink-0 rounded-xl">
          <Avatar name={name} />
          {selected && (
            <span className="absolute inset-0 flex items-center justify-center rounded-xl bg-accent text-accent-ink">
              <Check aria-hidden className="size-5" />
            </span>
          )}
        </button>
        <IconButton label={`Actions for ${name}`} aria-haspopup="menu" tabIndex={-1} className="relative z-10 order-4" onClick={(event) => openMenu(event.currentTarget)}>
          <EllipsisVertical aria-hidden className="size-4" />
        </IconButton>
      </div>
    );
  },
  // The tree is another one after every change in it; a row is drawn again for what it shows.
  (one, other) => SHOWN.every((name) => one[name] === other[name]) && one.team.workspace === other.team.workspace && one.team.level === other.team.level && one.team.members.length === other.team.members.length,
);

const SHOWN = ["place", "of", "folded", "unread", "news", "selected", "reachable", "found"] as const;

function Opener({ name, shown, folded, onFold }: { name: string; shown: boolean; folded: boolean; onFold: () => void }) {
  const Icon = folded ? ChevronRight : ChevronDown;
  if (!shown) return <span className="order-1 w-8 shrink-0 pointer-coarse:w-10" />;
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-label={`${folded ? "Open" : "Close"} the team of ${name}`}
      onClick={onFold}
      className="relative z-10 order-1 flex h-11 w-8 shrink-0 items-center justify-center rounded-lg hover:bg-line pointer-coarse:w-10"
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
