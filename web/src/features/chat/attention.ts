import { useSyncExternalStore } from "react";

const EVENTS = ["focus", "blur", "visibilitychange"] as const;

function watch(changed: () => void): () => void {
  // They do not bubble to the window from everywhere, but they are all seen there on their way.
  for (const name of EVENTS) addEventListener(name, changed, true);
  return () => {
    for (const name of EVENTS) removeEventListener(name, changed, true);
  };
}

export function attentive(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** Whether somebody is looking at the page, as far as a browser knows. */
export function useAttention(): boolean {
  return useSyncExternalStore(watch, attentive);
}
