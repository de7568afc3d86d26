import { CircleAlert, CircleHelp, CircleSlash, Check, CheckCheck, Clock, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "@/ui/classes";
import { lasting, useNow } from "@/ui/time";

interface Look {
  icon: LucideIcon;
  words: string;
  bad?: boolean;
}

/** How it is with a message, in words and a picture. */
const LOOKS: Readonly<Record<string, Look>> = {
  waiting: { icon: Clock, words: "Sending" },
  accepted: { icon: Check, words: "Accepted" },
  handed: { icon: LoaderCircle, words: "Being worked on" },
  replied: { icon: CheckCheck, words: "Answered" },
  input_required: { icon: CircleHelp, words: "Asked back" },
  failed: { icon: CircleAlert, words: "Failed", bad: true },
  refused: { icon: CircleAlert, words: "Not sent", bad: true },
  cancelled: { icon: CircleSlash, words: "Cancelled" },
  expired: { icon: Hourglass, words: "Expired: nobody took it in time", bad: true },
};

export function StateIcon({ state }: { state: string }) {
  const look = LOOKS[state];
  if (!look) return null;
  const { icon: Icon, words, bad } = look;
  return (
    <>
      <Icon aria-hidden className={classes("size-3.5 shrink-0", bad && "text-bad")} />
      <span className="sr-only">{words}: </span>
    </>
  );
}

interface Props {
  state: string;
  /** Instead of the usual words. */
  words?: string | undefined;
  /** Why it is so. */
  reason?: string | null;
  /** Since when, for what is going on. */
  since?: string | null;
  children?: ReactNode;
}

export function Standing({ state, words, reason, since, children }: Props) {
  const look = LOOKS[state];
  if (!look) return null;
  const { icon: Icon, bad } = look;
  return (
    <div className={classes("flex max-w-full flex-wrap items-center gap-x-2 px-1 text-xs group-data-mine/said:justify-end [&>button]:-my-1.5 pointer-coarse:[&>button]:-my-3", bad ? "text-bad" : "text-ink-soft")}>
      <span className="inline-flex items-center gap-1">
        <Icon aria-hidden className={classes("size-3.5 shrink-0", state === "handed" && "animate-spin")} />
        {words ?? look.words}
        {since != null && <Lasting since={since} />}
      </span>
      {reason != null && <span className="break-words">{reason}</span>}
      {children}
    </div>
  );
}

function Lasting({ since }: { since: string }) {
  const now = useNow();
  return <span className="tabular-nums"> · {lasting(now - new Date(since).getTime())}</span>;
}
