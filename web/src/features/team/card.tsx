import { Handle, type NodeProps, Position } from "@xyflow/react";
import { ChevronDown, ChevronRight, EllipsisVertical } from "lucide-react";
import { createContext, memo, useContext } from "react";
import { Link } from "react-router";
import { worksOn } from "@/api/workspaces";
import { Avatar } from "@/ui/avatar";
import { Unread } from "@/ui/badge";
import { IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Status } from "@/ui/status";
import type { CardNode } from "./cards";
import { whatItDoes } from "./doing";
import { CARD } from "./layout";
import { Queue } from "./queue";
import { openMenu } from "./team-menu";

interface Board {
  fold: (ids: readonly string[], closed: boolean) => void;
  /** So far away that nothing can be read. */
  far: boolean;
}

export const BoardContext = createContext<Board>({ fold: () => undefined, far: false });

type Props = NodeProps<CardNode>;

/** One workspace on the canvas, and the frame around its team when that is open. */
export const Card = memo(
  function Card({ data, selected, dragging, width, height }: Props) {
    const { workspace, team, folded, left, top, branches, found } = data;
    const { far } = useContext(BoardContext);
    const framed = team > 0 && !folded;
    const busy = worksOn(workspace) !== null;
    return (
      <>
        {framed && (
          <svg aria-hidden width={width} height={height} className="absolute rounded-3xl border border-line bg-raised/55">
            <path d={branches} className="branch" />
          </svg>
        )}
        <article
          aria-label={workspace.name}
          data-workspace-id={workspace.id}
          style={{ ...CARD, left, top }}
          className={classes(
            "card pointer-events-auto absolute flex flex-col rounded-2xl border bg-surface p-3 transition-[opacity,box-shadow]",
            busy ? (far ? "border-8 border-good" : "border-good") : "border-line",
            selected && "ring-2 ring-accent",
            found === true && "ring-4 ring-accent",
            found === false && "bg-raised grayscale",
            dragging ? "cursor-grabbing shadow-raised" : "cursor-grab",
            folded && "shadow-[5px_5px_0_-1px_var(--surface),5px_5px_0_0_var(--line-strong)]",
          )}
        >
          {/* Where lines begin and end: once a card is drawn, the library looks for these. */}
          <Handle type="source" position={Position.Bottom} isConnectable={false} className="card-middle" />
          <Handle type="target" position={Position.Bottom} isConnectable={false} className="card-middle" />
          {far ? <Far data={data} /> : <Near data={data} />}
        </article>
      </>
    );
  },
  (one, other) => one.data === other.data && one.selected === other.selected && one.dragging === other.dragging && one.width === other.width && one.height === other.height,
);

function Far({ data: { workspace, unread } }: Pick<Props, "data">) {
  return (
    <div className="flex h-full flex-col justify-between">
      <span className="line-clamp-2 text-[1.75rem] leading-none font-semibold break-words">{workspace.name}</span>
      <span className="flex items-center gap-3">
        <Status status={workspace.status} quiet large />
        {unread > 0 && <span aria-hidden className="ml-auto size-7 rounded-full bg-accent" />}
      </span>
    </div>
  );
}

function Near({ data: { workspace, unread, news, team, folded } }: Pick<Props, "data">) {
  const { id, name, role, status, queue_depth } = workspace;
  const doing = whatItDoes(workspace, news);
  return (
    <>
      <div className="flex items-start gap-2.5">
        <Avatar name={name} />
        <div className="min-w-0 flex-1">
          <Link to={`/w/${id}`} draggable={false} className="mr-7 block truncate text-sm font-semibold hover:underline">
            {name}
          </Link>
          <p className={classes("text-xs text-ink-soft pointer-coarse:mr-7", doing ? "truncate" : "line-clamp-2")}>{role ?? "No role yet"}</p>
        </div>
        <IconButton
          label={`Actions for ${name}`}
          aria-haspopup="menu"
          className="absolute top-2 right-1.5"
          onClick={(event) => {
            event.stopPropagation();
            openMenu(event.currentTarget);
          }}
        >
          <EllipsisVertical aria-hidden className="size-4" />
        </IconButton>
      </div>
      {doing && <p className="mt-1.5 truncate text-xs">{doing}</p>}
      <div className="mt-auto flex items-center gap-2.5">
        <Status status={status} />
        {queue_depth > 0 && <Queue depth={queue_depth} />}
        <Unread count={unread} />
        {team > 0 && <Fold id={id} name={name} team={team} folded={folded} />}
      </div>
    </>
  );
}

function Fold({ id, name, team, folded }: { id: string; name: string; team: number; folded: boolean }) {
  const { fold } = useContext(BoardContext);
  const Icon = folded ? ChevronRight : ChevronDown;
  return (
    <button
      type="button"
      aria-expanded={!folded}
      aria-label={`${team} in the team of ${name}`}
      title={folded ? "Open this team" : "Close this team"}
      onClick={(event) => {
        event.stopPropagation();
        fold([id], !folded);
      }}
      className="-my-1 ml-auto inline-flex min-h-7 items-center gap-0.5 rounded-lg px-1.5 text-xs font-medium hover:bg-raised pointer-coarse:min-h-11"
    >
      {team} <Icon aria-hidden className="size-4" />
    </button>
  );
}
