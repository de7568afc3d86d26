import { X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { Button, IconButton } from "./button";
import { classes } from "./classes";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  action?: { label: string; run: () => void };
}

/** Milliseconds. One with a way back stays longer. */
const SHOWN = 5_000;
const SHOWN_WITH_ACTION = 12_000;

let toasts: readonly Toast[] = [];
let last = 0;
const watchers = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const changed of watchers) changed();
}

function drop(id: number): void {
  set(toasts.filter((one) => one.id !== id));
}

function show(toast: Omit<Toast, "id">): () => void {
  const id = ++last;
  set([...toasts.slice(-2), { ...toast, id }]);
  setTimeout(() => drop(id), toast.action ? SHOWN_WITH_ACTION : SHOWN);
  return () => drop(id);
}

/** Say that something was done; `action` is the way back. Returns what takes the words away when they are no longer true. */
export function tell(text: string, action?: Toast["action"]): () => void {
  return show(action ? { text, bad: false, action } : { text, bad: false });
}

/** Say that something could not be done, and why. */
export function complain(error: unknown): void {
  show({ text: error instanceof Error ? error.message : "Something went wrong.", bad: true });
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => toasts,
  );
  return (
    <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-0 top-0 z-50 flex flex-col items-center gap-2 p-3 pt-[max(0.75rem,env(safe-area-inset-top))]">
      {shown.map((toast) => (
        <div
          key={toast.id}
          className={classes("pointer-events-auto flex max-w-md items-center gap-2 rounded-xl px-4 py-1.5 text-sm shadow-raised", toast.bad ? "bg-bad-soft text-bad" : "bg-ink text-canvas")}
        >
          <span className="min-w-0 flex-1 py-1 break-words">{toast.text}</span>
          {toast.action && (
            <Button
              look="quiet"
              className="font-semibold underline hover:bg-transparent"
              onClick={() => {
                toast.action?.run();
                drop(toast.id);
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <IconButton label="Dismiss" className="hover:bg-transparent" onClick={() => drop(toast.id)}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
