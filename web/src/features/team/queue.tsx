import { Inbox } from "lucide-react";

/** How much unfinished post lies in a mailbox. */
export function Queue({ depth }: { depth: number }) {
  return (
    <span title={`${depth} in its mailbox`} className="inline-flex items-center gap-1 text-xs text-ink-soft">
      <Inbox aria-hidden className="size-3.5" />
      {depth}
      <span className="sr-only"> in its mailbox</span>
    </span>
  );
}
