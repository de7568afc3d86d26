import { createContext, use } from "react";
import { classes } from "./classes";

const LOOKS: Readonly<Record<string, { dot: string; words: string }>> = {
  online: { dot: "bg-good", words: "online" },
  degraded: { dot: "bg-warn", words: "degraded" },
  paused: { dot: "bg-ink-soft", words: "paused" },
  offline: { dot: "border-2 border-line-strong bg-transparent", words: "offline" },
  removed: { dot: "bg-bad", words: "removed" },
};

const WAS = "border-2 border-dashed border-line-strong bg-transparent";

/** Whether it is known only how they were. A context, so that nothing else is drawn again when that changes. */
export const OutdatedContext = createContext(false);

interface Props {
  status: string;
  /** What went wrong last, for the tip of one that is degraded. */
  why?: string | null;
  /** In words for those only who do not see the dot. */
  quiet?: boolean;
  /** So that a phone shows words only for what is not as it should be. */
  brief?: boolean;
  /** To be seen from afar. */
  large?: boolean;
}

/** How an agent is, as a dot and in words: colour alone says nothing to some. */
export function Status({ status, why, quiet = false, brief = false, large = false }: Props) {
  const outdated = use(OutdatedContext);
  const { dot, words } = LOOKS[status] ?? { dot: "bg-line-strong", words: status };
  return (
    <span title={tipOf(status, why)} className="inline-flex items-center gap-1.5 text-xs whitespace-nowrap text-ink-soft">
      <span aria-hidden className={classes("shrink-0 rounded-full", large ? "size-7" : "size-2.5", outdated ? WAS : dot)} />
      <span className={quiet ? "sr-only" : brief && status === "online" ? "max-sm:sr-only" : undefined}>{outdated ? `was ${words}` : words}</span>
    </span>
  );
}

function tipOf(status: string, why: string | null | undefined): string | undefined {
  if (status !== "degraded") return undefined;
  return why == null ? "At least half of what it does fails." : `At least half of what it does fails: ${why}`;
}
