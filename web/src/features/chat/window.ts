import type { Frame, FramePayload } from "@/api/live";
import { type Entry, type Page, hasEnded } from "./entry";

/** The part of a conversation that the page has: without a gap, in the order of the server. */
export interface Window {
  readonly entries: readonly Entry[];
  /** There is more before the first, and after the last. */
  readonly older: boolean;
  readonly newer: boolean;
}

/** Entries. What is further away from what is read is let go of, and fetched when it is scrolled to. */
const MOST = 1_000;

export const nothing: Window = { entries: [], older: false, newer: false };

export function opened({ messages, reached_end }: Page, newest: boolean): Window {
  return { entries: messages, older: !reached_end, newer: !newest };
}

export function withOlder(window: Window, { messages, reached_end }: Page): Window {
  return { ...window, entries: [...unknown(window, messages), ...window.entries], older: !reached_end };
}

export function withNewer(window: Window, { messages, reached_end }: Page): Window {
  return { ...window, entries: [...window.entries, ...unknown(window, messages)], newer: !reached_end };
}

/** The same lines, some of them as they are now. */
export function renewed(window: Window, { messages }: Page): Window {
  const now = new Map(messages.map((entry) => [entry.id, entry]));
  return { ...window, entries: window.entries.map((entry) => now.get(entry.id) ?? entry) };
}

function unknown({ entries }: Window, messages: readonly Entry[]): readonly Entry[] {
  const known = new Set(entries.map(({ id }) => id));
  return messages.filter(({ id }) => !known.has(id));
}

/** Room for older ones, at the cost of the newest. */
export function withoutNewest(window: Window): Window {
  return window.entries.length < MOST ? window : { ...window, entries: window.entries.slice(0, MOST / 2), newer: true };
}

/** Room for newer ones, at the cost of the oldest. */
export function withoutOldest(window: Window): Window {
  return window.entries.length < MOST ? window : { ...window, entries: window.entries.slice(-MOST / 2), older: true };
}

/** Room for what is said now: at the end, at the cost of the oldest; whoever reads further up gets the newest when they come to it. */
export function withRoom(window: Window, along: boolean): Window {
  if (along || window.entries.length < MOST) return withoutOldest(window);
  return { ...window, newer: true };
}

/** The message with which the agent asked back and that nobody has answered yet: what is said next goes to its task. */
export function openQuestion({ entries }: Window, threadId: string | undefined): Entry | null {
  const asked = entries.findLast(({ role, thread_id }) => role === "user" && thread_id === threadId);
  return asked?.state === "input_required" ? asked : null;
}

/** What frames of the feed say about messages that are there. They may be older than what was read: an end is never taken back. */
export function patched(window: Window, frames: readonly Frame[]): Window {
  const named = new Set(frames.map(({ payload }) => payload.message_id));
  if (!window.entries.some(({ id }) => named.has(id))) return window;
  const news = (id: string) => frames.filter(({ payload }) => payload.message_id === id);
  return { ...window, entries: window.entries.map((entry) => (named.has(entry.id) ? news(entry.id).reduce(told, entry) : entry)) };
}

/** The keys that messages of people were sent with. An agent may call an answer what it likes. */
export function keysIn({ entries }: Window): ReadonlySet<string | null> {
  return new Set(entries.filter(({ role }) => role === "user").map(({ sent_as }) => sent_as));
}

function told(entry: Entry, { event, payload, timestamp }: Frame): Entry {
  return hasEnded(entry) ? entry : { ...entry, ...NEWS[event]?.(payload, timestamp) };
}

const ended = (state: Entry["state"]) => (payload: FramePayload, at: string) => ({ state, error: (payload.error as Entry["error"] | undefined) ?? null, ended_at: at });
const back = () => ({ state: "accepted" as const, handed_at: null, progress: null });

/** What an event changes of the message that it is about. */
const NEWS: Readonly<Record<string, (payload: FramePayload, at: string) => Partial<Entry>>> = {
  "message.handed": ({ attempt }, at) => ({ state: "handed", attempt: attempt as number, handed_at: at, progress: null }),
  "message.progress": ({ parts, status }, at) => ({ progress: { text: "", parts: parts as Entry["parts"], status: (status as string | undefined) ?? null, at } }),
  "message.retrying": back,
  "message.released": back,
  "message.cancel_requested": () => ({ cancel_requested: true }),
  "message.replied": ({ interrupted }, at) => ({ state: interrupted ? "input_required" : "replied", ended_at: at }),
  "message.failed": ended("failed"),
  "message.cancelled": ended("cancelled"),
  "message.expired": ended("expired"),
};
