import { type LucideIcon, CloudOff, KeyRound, LoaderCircle, Wifi } from "lucide-react";
import type { ReactNode } from "react";
import { type Connection, useConnection, useLost } from "@/api/live";
import { classes } from "@/ui/classes";
import { OutdatedContext } from "@/ui/status";

const WORDS: Readonly<Record<Connection, { icon: LucideIcon; words: string; long: string }>> = {
  live: { icon: Wifi, words: "Live", long: "Connected: what you see is what is there." },
  connecting: { icon: LoaderCircle, words: "Connecting", long: "Connecting to the server. What you send is kept and goes out by itself." },
  offline: { icon: CloudOff, words: "Offline", long: "No network. What you send is kept and goes out by itself." },
  "logged-out": { icon: KeyRound, words: "Logged out", long: "You are logged out. What you wrote is kept." },
};

/** Always visible, in the side bar and above a phone's chats. */
export function ConnectionState() {
  const state = useConnection();
  const { icon: Icon, words, long } = WORDS[state];
  return (
    <span role="status" title={long} className="inline-flex items-center gap-1.5 text-xs text-ink-soft">
      <Icon aria-hidden className={classes("size-3.5", state === "live" && "text-good", state === "connecting" && "animate-spin")} />
      {words}
    </span>
  );
}

/** What there is to know about a connection that is not there, over every screen; `always` also that it is there. */
export function ConnectionBar({ always }: { always: boolean }) {
  const state = useConnection();
  if (state === "live") {
    return always ? (
      <div className="flex justify-center py-1">
        <ConnectionState />
      </div>
    ) : null;
  }
  return (
    <div className={classes("px-4 py-1 text-center text-xs", state === "connecting" ? "bg-raised text-ink-soft" : "bg-warn-soft text-warn")}>{WORDS[state].long}</div>
  );
}

/** While there is no connection any more, every status in it says how it was. */
export function Outdating({ children }: { children: ReactNode }) {
  return <OutdatedContext value={useLost()}>{children}</OutdatedContext>;
}
