import { useEffect } from "react";
import { complain, tell } from "@/ui/toast";

interface Done {
  undo: () => Promise<void> | void;
  /** Takes away the words about it. */
  hush?: () => void;
}

const done: Done[] = [];

/** Something was done that can be taken back: with Ctrl-Z, and where it is worth words, by a button beside them. */
export function did(undo: Done["undo"], words?: string): void {
  const one: Done = { undo };
  done.push(one);
  if (words !== undefined) one.hush = tell(words, { label: "Undo", run: () => void takeBack(one) });
}

async function takeBack(one: Done | undefined): Promise<void> {
  if (one === undefined || !done.includes(one)) return;
  done.splice(done.indexOf(one), 1);
  one.hush?.();
  try {
    await one.undo();
  } catch (error) {
    complain(error);
  }
}

/** Ctrl-Z, or Cmd-Z, but where it belongs to what is being written. */
export function useUndoKey(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const writing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select, [contenteditable]");
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || writing) return;
      event.preventDefault();
      void takeBack(done.at(-1));
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
