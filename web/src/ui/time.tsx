import { useSyncExternalStore } from "react";

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

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
    if (clock.watchers.size === 0) {
      clock.now = Date.now() + ahead;
      clock.timer = window.setInterval(() => clock.tick(), 1_000);
    }
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
function age(at: string | number, now: number): string {
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

/** How many midnights lie between then and now; 0 for today. */
function useDaysSince(at: string): number {
  // A number that changes at midnight: what shows a day is not drawn again every second.
  return useSyncExternalStore(clock.watch, () => Math.round((midnight(clock.now) - midnight(at)) / 86_400_000));
}

function midnight(at: string | number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** When something was said, as in a list of chats: the time of today, then the day. */
export function Moment({ at }: { at: string }) {
  const days = useDaysSince(at);
  const words = days <= 0 ? CLOCK : days < 7 ? WEEKDAY : DATE;
  return (
    <time dateTime={at} title={full(at)}>
      {days === 1 ? "Yesterday" : words.format(new Date(at))}
    </time>
  );
}

/** The time of day, where the day is plain. */
export function TimeOfDay({ at }: { at: string }) {
  return (
    <time dateTime={at} title={full(at)}>
      {CLOCK.format(new Date(at))}
    </time>
  );
}

/** The day, in words that are a heading. */
export function useDay(at: string): string {
  const days = useDaysSince(at);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(new Date(at));
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
