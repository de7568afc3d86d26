import { useSyncExternalStore } from "react";

/** Narrower than this is a phone's screen: one thing at a time. The same as Tailwind's `md`. */
const NARROW = matchMedia("(max-width: 767px)");

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      NARROW.addEventListener("change", changed);
      return () => NARROW.removeEventListener("change", changed);
    },
    () => NARROW.matches,
  );
}
