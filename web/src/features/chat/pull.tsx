import { RefreshCw } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { classes } from "@/ui/classes";

/** Pixels. */
const ENOUGH = 72;

export interface Pull {
  /** How far it is pulled, from 0 to 1: at 1 it is enough. */
  readonly part: number;
}

/** A pull with the finger beyond the end of what scrolls, which asks for what is new; people trust it more than any connection. */
export function usePull(edge: "top" | "bottom", scroller: RefObject<HTMLElement | null>, act: () => void): Pull {
  const [part, setPart] = useState(0);
  useEffect(() => {
    const { current } = scroller;
    if (!current) return;
    let began: number | null = null;
    const atEdge = () => (edge === "top" ? current.scrollTop <= 0 : current.scrollHeight - current.scrollTop - current.clientHeight < 2);
    const pulled = ({ touches }: TouchEvent) => {
      const now = touches[0]?.clientY;
      if (began === null || now === undefined || !atEdge()) return 0;
      return Math.min(1, Math.max(0, (edge === "top" ? now - began : began - now) / ENOUGH));
    };
    let last = 0;
    const listeners: Readonly<Record<"touchstart" | "touchmove" | "touchend" | "touchcancel", (event: TouchEvent) => void>> = {
      touchstart: ({ touches }) => {
        began = atEdge() ? (touches[0]?.clientY ?? null) : null;
      },
      touchmove: (event) => setPart((last = pulled(event))),
      touchend: () => {
        if (last === 1) act();
        setPart((last = 0));
      },
      touchcancel: () => setPart((last = 0)),
    };
    const each = Object.entries(listeners) as [keyof typeof listeners, (event: TouchEvent) => void][];
    for (const [name, hear] of each) current.addEventListener(name, hear, { passive: true });
    return () => {
      for (const [name, hear] of each) current.removeEventListener(name, hear);
    };
  }, [edge, scroller, act]);
  return { part };
}

export function PullMark({ pull: { part }, edge }: { pull: Pull; edge: "top" | "bottom" }) {
  if (part === 0) return null;
  return (
    <div role="status" className={classes("pointer-events-none absolute inset-x-0 z-10 flex justify-center", edge === "top" ? "top-2" : "bottom-2")} style={{ opacity: part }}>
      <span className="flex items-center gap-2 rounded-full bg-raised px-3 py-1.5 text-xs shadow-raised">
        <RefreshCw aria-hidden className="size-3.5" style={{ rotate: `${part * 180}deg` }} />
        {part === 1 ? "Let go to catch up" : "Pull to catch up"}
      </span>
    </div>
  );
}
