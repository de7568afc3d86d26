import { useSyncExternalStore } from "react";

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Milliseconds that the server's clock is ahead of this machine's, which may be wrong by a day. */
let ahead = 0;

export function setTime(serverTime: string): void {
  ahead = new Date(serverTime).getTime() - Date.now();
}

/** One clock for all that shows an age, so that a thousand rows do not have a thousand timers. */
const clock = {
  now: Date.now(),
  watchers: new Set<() => void>(),
  timer: 0,
  watch: (changed: () => void) => {
    if (clock.watchers.size === 0) clock.timer = window.setInterval(() => clock.tick(), 1_000);
    clock.watchers.add(changed);
    return () => {
      clock.watchers.delete(changed);
      if (clock.watchers.size === 0) clearInterval(clock.timer);
    };
  },
  tick: () => {
    clock.now = Date.now() + ahead;
    for (const changed of clock.watchers) changed();
  },
};

/** Milliseconds since 1970 by the server's clock, a second at a time. */
export function useNow(): number {
  return useSyncExternalStore(clock.watch, () => clock.now);
}

/** "3 min. ago". A clock that is wrong shows nothing from the future. */
export function age(at: string | number, now: number): string {
  const seconds = Math.max(0, (now - new Date(at).getTime()) / 1_000);
  const [unit, length] = STEPS.find(([, least]) => seconds >= least) ?? ["second", 1];
  return RELATIVE.format(-Math.floor(seconds / length), unit);
}

/** "1:05", "2:03:04": how long something has been going on. */
export function lasting(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const tail = String(seconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

export function full(at: string): string {
  return FULL.format(new Date(at));
}

/** How long ago, with the time itself as its tip. */
export function Age({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={full(at)}>
      {age(at, now)}
    </time>
  );
}
