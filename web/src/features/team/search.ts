import { useDeferredValue, useMemo, useState } from "react";
import type { Workspace } from "@/api/workspaces";

/** Finds workspaces by name, role or what they are at. */
export interface Search {
  text: string;
  /** Null when nothing is searched for. */
  found: ReadonlySet<string> | null;
  /** The one to look at. */
  current: string | undefined;
  /** Which of them that is, from 1. */
  number: number;
  setText: (text: string) => void;
  step: (by: 1 | -1) => void;
}

export function useSearch(all: readonly Workspace[]): Search {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const asked = useDeferredValue(text.trim().toLowerCase());
  const key = useMemo(() => (asked ? all.filter((one) => fits(one, asked)).map(({ id }) => id) : null)?.join(), [all, asked]);
  // The same ones found again are the same set, so that nothing moves when only a status changed.
  const ids = useMemo(() => (key === undefined ? null : key.split(",").filter(Boolean)), [key]);
  const found = useMemo(() => ids && new Set(ids), [ids]);
  const count = ids?.length ?? 0;
  const place = count > 0 ? ((at % count) + count) % count : 0;
  return {
    text,
    found,
    current: ids?.[place],
    number: count > 0 ? place + 1 : 0,
    setText: (next) => {
      setText(next);
      setAt(0);
    },
    step: (by) => setAt(place + by),
  };
}

function fits({ name, role, current_task }: Workspace, asked: string): boolean {
  return [name, role, current_task].some((words) => words?.toLowerCase().includes(asked));
}
