import { CircleCheck, CircleDashed, CircleHelp, CircleSlash, CircleX, Hourglass, type LucideIcon } from "lucide-react";
import { Badge } from "@/ui/badge";
import { lasting, useNow } from "@/ui/time";
import type { Delegation } from "./delegations";

interface Look {
  words: string;
  icon: LucideIcon;
  badge: "plain" | "good" | "warn" | "bad";
  bar: string;
}

const LOOKS: Readonly<Record<Delegation["status"], Look>> = {
  accepted: { words: "waits", icon: CircleDashed, badge: "plain", bar: "border border-dashed border-line-strong" },
  handed: { words: "being worked on", icon: Hourglass, badge: "plain", bar: "animate-pulse bg-ink-soft" },
  input_required: { words: "asks back", icon: CircleHelp, badge: "warn", bar: "bg-warn" },
  completed: { words: "answered", icon: CircleCheck, badge: "good", bar: "bg-good" },
  failed: { words: "failed", icon: CircleX, badge: "bad", bar: "bg-bad" },
  cancelled: { words: "cancelled", icon: CircleSlash, badge: "plain", bar: "bg-line-strong" },
  expired: { words: "expired", icon: CircleX, badge: "bad", bar: "bg-bad" },
};

export const barOf = (one: Delegation) => LOOKS[one.status].bar;

export function DelegationState({ one }: { one: Delegation }) {
  const { words, icon: Icon, badge } = LOOKS[one.status];
  return (
    <Badge look={badge}>
      <Icon aria-hidden className="size-3" />
      {one.cancel_requested && one.ended_at === null ? "asked to stop" : words}
    </Badge>
  );
}

/** From the asking to the end, or until now; short ones in tenths of a second. */
export function Took({ one }: { one: Delegation }) {
  const now = useNow();
  const milliseconds = (one.ended_at === null ? now : Date.parse(one.ended_at)) - Date.parse(one.created_at);
  return <span className="text-xs text-ink-soft tabular-nums">{milliseconds < 10_000 ? `${Math.max(0, milliseconds / 1_000).toFixed(1)} s` : lasting(milliseconds)}</span>;
}
