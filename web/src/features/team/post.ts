import type { Schemas } from "@/api/client";
import { type Frame, live } from "@/api/live";

/** Post between two workspaces: what is open, and when something last moved. */
export interface Line {
  from: string;
  to: string;
  /** How many messages have not ended. */
  open: number;
  /** RFC 3339: since when the oldest of them is open, null when none is. */
  since: string | null;
  /** Counts what moved, so that each time it can be shown. */
  moves: number;
  /** What moved last was an answer, or news. */
  back: boolean;
}

/** What the feed tells of agents at work. */
export interface Traffic {
  lines: readonly Line[];
  /** What each agent last said about the message in its hands. */
  news: ReadonlyMap<string, string>;
}

/** What one asked of another and still waits for. */
export type Open = Schemas["OpenShape"];

interface Lit {
  from: string;
  to: string;
  moves: number;
  back: boolean;
  /** Milliseconds of this machine: until then it is shown though nothing is open. */
  until: number;
}

/** Milliseconds. How long a line stays after the last that moved, and how often changes are shown at most. */
const LINGER = 5_000;
const GATHER = 120;
/** Ends that are heard while it is read what is open: more than come in that time. */
const REMEMBERED = 1_000;

const ENDS = new Set(["message.replied", "message.failed", "message.cancelled", "message.expired"]);
const MOVES_BACK = new Set([...ENDS, "message.progress"]);

/** Follows the feed while somebody looks. */
export class Post {
  #traffic: Traffic = { lines: [], news: new Map() };
  #timer = 0;
  /** When that rings. */
  #due = Infinity;
  readonly #open = new Map<string, Open>();
  readonly #ended = new Set<string>();
  readonly #lit = new Map<string, Lit>();
  readonly #news = new Map<string, { message: string; text: string }>();
  readonly #watchers = new Set<() => void>();

  watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    const deaf = [live.onFrame((frame) => this.#hear(frame)), live.onFresh(() => this.#open.clear())];
    return () => {
      for (const stop of deaf) stop();
      this.#watchers.delete(changed);
      this.#hush();
    };
  };

  look = (): Traffic => this.#traffic;

  /** What was open before the feed began. Its end may have been heard meanwhile. */
  know(open: readonly Open[]): void {
    for (const one of open) if (!this.#ended.has(one.delegation_id)) this.#open.set(one.delegation_id, one);
    this.#later(0);
  }

  #hear({ event, workspace_id: at, timestamp, payload }: Frame): void {
    const { message_id: message, peer_id: peer, actor } = payload;
    if (event === "workspace.removed") this.#forget(at);
    if (!message || !event.startsWith("message.")) return;
    if (ENDS.has(event)) this.#end(message, at);
    if (event === "message.progress") this.#tell(at, message, payload["parts"]);
    if (peer && event === "message.accepted" && actor?.kind === "workspace") this.#begin({ delegation_id: message, source_id: peer, target_id: at, created_at: timestamp });
    if (peer && MOVES_BACK.has(event)) this.#light(peer, at, true);
    this.#later(GATHER);
  }

  #begin(open: Open): void {
    this.#open.set(open.delegation_id, open);
    this.#light(open.source_id, open.target_id, false);
  }

  #end(message: string, at: string): void {
    const [oldest] = this.#ended.add(message);
    if (oldest !== undefined && this.#ended.size > REMEMBERED) this.#ended.delete(oldest);
    this.#open.delete(message);
    if (this.#news.get(at)?.message === message) this.#news.delete(at);
  }

  #tell(workspace: string, message: string, parts: unknown): void {
    const text = Array.isArray(parts) ? (parts as { text?: unknown }[]).map((part) => part.text).find((words) => typeof words === "string") : undefined;
    if (text?.trim()) this.#news.set(workspace, { message, text: text.trim().slice(0, 200) });
  }

  #light(from: string, to: string, back: boolean): void {
    const key = `${from} ${to}`;
    this.#lit.set(key, { from, to, back, moves: (this.#lit.get(key)?.moves ?? 0) + 1, until: performance.now() + LINGER });
  }

  #forget(workspace: string): void {
    for (const [id, { source_id, target_id }] of this.#open) if (source_id === workspace || target_id === workspace) this.#open.delete(id);
    for (const [key, { from, to }] of this.#lit) if (from === workspace || to === workspace) this.#lit.delete(key);
  }

  /** What is to be shown sooner does not wait for what lingers. */
  #later(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (due >= this.#due) return;
    this.#hush();
    this.#due = due;
    this.#timer = window.setTimeout(() => this.#show(), milliseconds);
  }

  #hush(): void {
    clearTimeout(this.#timer);
    this.#due = Infinity;
  }

  #show(): void {
    this.#hush();
    const now = performance.now();
    for (const [key, { until }] of this.#lit) if (until <= now) this.#lit.delete(key);
    this.#traffic = { lines: this.#lines(), news: new Map(Array.from(this.#news, ([id, { text }]) => [id, text])) };
    for (const changed of this.#watchers) changed();
    const next = Math.min(...Array.from(this.#lit.values(), ({ until }) => until));
    if (next < Infinity) this.#later(next - now + 1);
  }

  #lines(): Line[] {
    const lines = new Map<string, Line>();
    for (const [key, { from, to, moves, back }] of this.#lit) lines.set(key, { from, to, moves, back, open: 0, since: null });
    for (const { source_id: from, target_id: to, created_at: at } of this.#open.values()) {
      const line = lines.get(`${from} ${to}`) ?? { from, to, moves: 0, back: false, open: 0, since: null };
      lines.set(`${from} ${to}`, { ...line, open: line.open + 1, since: line.since !== null && line.since < at ? line.since : at });
    }
    return [...lines.values()];
  }
}
