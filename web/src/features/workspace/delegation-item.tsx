import { useQuery } from "@tanstack/react-query";
import { ArrowRight, ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { Link } from "react-router";
import { Badge } from "@/ui/badge";
import { classes } from "@/ui/classes";
import { Trouble, Waiting } from "@/ui/notice";
import { Age } from "@/ui/time";
import { CancelDelegation } from "./cancel-delegation";
import { DelegationDetail } from "./delegation-detail";
import { DelegationState, Took } from "./delegation-state";
import { type Delegation, type Tree, treeQuery } from "./delegations";

interface Props {
  one: Delegation;
  /** What hangs below it, where that is known already. */
  below?: readonly Tree[] | undefined;
  /** It is what one came for. */
  opened?: boolean;
}

/** One in the tree. */
export function DelegationItem({ one, below, opened = false }: Props) {
  const [open, setOpen] = useState(opened);
  const id = useId();
  return (
    <li data-status={one.status} className="min-w-0">
      <div className="flex items-start gap-1 rounded-lg py-1 hover:bg-raised">
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="flex min-h-9 min-w-0 flex-1 items-start gap-2 px-2 py-1.5 text-left text-sm pointer-coarse:min-h-11"
        >
          <ChevronRight aria-hidden className={classes("mt-0.5 size-4 shrink-0 text-ink-soft transition-transform", open && "rotate-90")} />
          <span className="flex min-w-0 flex-1 flex-col gap-1">
            <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <Asked one={one} />
              <DelegationState one={one} />
              <Took one={one} />
              {one.attempt > 1 && <Badge look="warn">attempt {one.attempt}</Badge>}
            </span>
            <span className={classes("break-words text-ink-soft", !open && "line-clamp-1")}>{one.task}</span>
            {!open && one.ended_at === null && one.progress && <span className="line-clamp-1 text-xs text-ink-soft">… {one.progress.text || one.progress.status}</span>}
          </span>
          <span className="mt-0.5 text-xs whitespace-nowrap text-ink-soft max-sm:hidden">
            <Age at={one.created_at} />
          </span>
        </button>
        {one.ended_at === null && <CancelDelegation one={one} />}
      </div>
      <div id={id}>{open && <Opened one={one} below={below} />}</div>
    </li>
  );
}

export function Asked({ one }: { one: Delegation }) {
  return (
    <span className="min-w-0 font-medium break-words">
      {one.source.name} <ArrowRight aria-label="asked" role="img" className="inline size-3.5 text-ink-soft" /> {one.target.name}
    </span>
  );
}

function Opened({ one, below }: { one: Delegation; below: readonly Tree[] | undefined }) {
  const tree = useQuery({ ...treeQuery(one), enabled: below === undefined });
  const children = below ?? tree.data?.children ?? [];
  return (
    <div className="mb-2 ml-4 flex flex-col gap-2 border-l border-line pl-3">
      <DelegationDetail one={one} />
      {below === undefined && tree.isPending && <Waiting what="Looking for what was asked as part of it" />}
      {tree.error && !tree.data && <Trouble error={tree.error} onRetry={() => void tree.refetch()} />}
      {children.length > 0 && (
        <ul aria-label={`What ${one.target.name} asked of others`}>
          {children.map((child) => (
            <DelegationItem key={child.delegation_id} one={child} below={child.children ?? []} />
          ))}
        </ul>
      )}
      <Link className="self-start text-xs underline" to={`/w/${one.target.id}/delegations`}>
        All that {one.target.name} asked
      </Link>
    </div>
  );
}
