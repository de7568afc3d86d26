import type { ReactNode } from "react";
import { classes } from "./classes";

const LOOKS = {
  plain: "bg-raised text-ink-soft",
  accent: "bg-accent text-accent-ink",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
};

export function Badge({ look = "plain", children }: { look?: keyof typeof LOOKS; children: ReactNode }) {
  return <span className={classes("inline-flex items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap", LOOKS[look])}>{children}</span>;
}

/** How many are unread; nothing when none is. */
export function Unread({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span className="inline-flex h-5 min-w-5 items-center justify-center rounded-full bg-accent px-1.5 text-xs font-semibold text-accent-ink">
      {count > 99 ? "99+" : count}
      <span className="sr-only"> unread</span>
    </span>
  );
}
