import type { ReactNode } from "react";
import { classes } from "@/ui/classes";

interface Props {
  mine: boolean;
  /** Who says it; null where that is plain. */
  name: string | null;
  /** Below what is said. */
  foot?: ReactNode;
  children: ReactNode;
}

/** What somebody says: one's own on the right, all else on the left. */
export function Bubble({ mine, name, foot, children }: Props) {
  return (
    <div data-mine={mine || undefined} className={classes("group/said flex flex-col gap-1 py-1.5", mine ? "items-end" : "items-start")}>
      {name !== null && <p className="max-w-full truncate px-1 text-xs font-medium text-ink-soft">{name}</p>}
      <div className={classes("max-w-[min(46rem,92%)] min-w-0 rounded-2xl px-3.5 py-2 text-[0.9375rem] leading-relaxed", mine ? "rounded-br-md bg-accent-soft" : "rounded-bl-md border border-line bg-surface")}>
        {children}
      </div>
      {foot}
    </div>
  );
}
