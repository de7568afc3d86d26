import { useEffect } from "react";
import { takeBackLast } from "./undo";

interface Acts {
  onEscape: () => void;
  onDelete: () => void;
}

/** Keys of the whole screen, but where they belong to a dialog, a menu or what is being written. */
export function useKeys({ onEscape, onDelete }: Acts): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const elsewhere = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=menu]");
      if (elsewhere || event.defaultPrevented || event.shiftKey || event.altKey) return;
      const act = event.ctrlKey || event.metaKey ? { z: takeBackLast }[event.key] : { Escape: onEscape, Delete: onDelete }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [onEscape, onDelete]);
}
