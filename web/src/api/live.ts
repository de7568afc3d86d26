import { useSyncExternalStore } from "react";
import type { Schemas } from "./client";

/** A frame of the feed (docs/http.md, "Events"). */
export interface Frame {
  event: string;
  workspace_id: string;
  timestamp: string;
  cursor: string;
  payload: FramePayload;
}

export interface FramePayload {
  message_id?: string | null;
  peer_id?: string | null;
  actor?: Schemas["ActorShape"];
  seq?: number;
  thread_id?: string;
  [field: string]: unknown;
}

/** What is greater the later the feed tells it. */
export function placeOf(cursor: string): string {
  const [, transaction = "", number = ""] = cursor.split("-");
  return transaction.padStart(20, "0") + number.padStart(20, "0");
}

/** `connecting`: not yet, or again. `offline`: the browser has no network. `logged-out`: the session has ended. */
export type Connection = "connecting" | "live" | "offline" | "logged-out";

type Hear = (frame: Frame) => void;

/** Milliseconds. The server says something at least every 15 s; twice that in silence, and the connection is taken for dead. */
const SILENCE = 35_000;
const PAUSE = { least: 500, most: 10_000 };
/** By both clocks in milliseconds: one stands still while some devices sleep, the other may be set back. */
const now = () => ({ running: performance.now(), wall: Date.now() });
const since = ({ running, wall }: ReturnType<typeof now>) => Math.max(performance.now() - running, Date.now() - wall);

/** How the server closes (docs/http.md, "WebSocket"). */
const LOG_IN = 4401;
const BAD_CURSOR = 4400;
const PRUNED = 4410;

/**
 * The one connection to the feed of everything. It resumes from its cursor, so that listeners hear each frame once and miss none. When
 * there is no cursor to resume from (the first time, or it was pruned), `onFresh` says that everything is to be read anew.
 */
class Live {
  #socket: WebSocket | null = null;
  #wanted = false;
  #cursor: string | null = null;
  #state: Connection = "connecting";
  #wasLive = false;
  #tries = 0;
  #timer = 0;
  #heard = now();
  readonly #hearers = new Set<Hear>();
  readonly #watchers = new Set<() => void>();
  readonly #freshers = new Set<() => void>();
  readonly #clocks = new Set<(serverTime: string) => void>();

  constructor() {
    addEventListener("online", () => this.#connect());
    // A server on the same machine is there without any network: whether it is, only asking tells.
    addEventListener("offline", () => this.#connect());
    // A phone that was frozen has missed its timers, and its connection may be dead without a word (lessons.md, U10).
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#doubt(SILENCE / 2));
    setInterval(() => this.#doubt(SILENCE), SILENCE / 4);
  }

  /** For somebody who is logged in, now or again. */
  start(): void {
    this.#wanted = true;
    this.#tries = 0;
    this.#connect();
  }

  get state(): Connection {
    return this.#state;
  }

  /** Nobody hears any more of what changes: what is shown is how it was. Not so before it was live for the first time. */
  get lost(): boolean {
    return this.#wasLive && this.#state !== "live";
  }

  onFrame(hear: Hear): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  onFresh(refresh: () => void): () => void {
    this.#freshers.add(refresh);
    return () => this.#freshers.delete(refresh);
  }

  /** What time it is on the server, every 15 s at least. */
  onTime(hear: (serverTime: string) => void): void {
    this.#clocks.add(hear);
  }

  watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };

  #doubt(silence: number): void {
    // A handshake may hang as well as a connection.
    if (this.#socket && since(this.#heard) > silence) this.#connect();
  }

  #connect(): void {
    if (!this.#wanted) return;
    this.#stop(navigator.onLine ? "connecting" : "offline");
    const socket = new WebSocket(new URL("/ws", location.href.replace(/^http/, "ws")));
    this.#socket = socket;
    this.#heard = now();
    socket.onopen = () => socket.send(JSON.stringify({ resume: this.#cursor, workspace_id: null }));
    socket.onmessage = (message: MessageEvent<string>) => this.#take(JSON.parse(message.data) as Frame);
    socket.onclose = (closed) => this.#closed(closed.code);
  }

  #take(frame: Frame): void {
    const fresh = this.#cursor === null;
    this.#heard = now();
    this.#cursor = frame.cursor;
    if (frame.event === "postroom.ready") {
      this.#tries = 0;
      this.#become("live");
      // The feed begins here: what is read from now on is no older.
      if (fresh) for (const refresh of this.#freshers) refresh();
    }
    if (!frame.event.startsWith("postroom.")) for (const hear of this.#hearers) hear(frame);
    else for (const hear of this.#clocks) hear(frame.timestamp);
  }

  #closed(code: number): void {
    if (code === LOG_IN) {
      this.#wanted = false;
      this.#stop("logged-out");
      return;
    }
    if (code === PRUNED || code === BAD_CURSOR) this.#cursor = null;
    this.#stop(navigator.onLine ? "connecting" : "offline");
    const most = Math.min(PAUSE.most, PAUSE.least * 2 ** this.#tries++);
    this.#timer = window.setTimeout(() => this.#connect(), PAUSE.least / 2 + Math.random() * most);
  }

  #stop(state: Connection): void {
    clearTimeout(this.#timer);
    if (this.#socket) {
      // What it still has to say belongs to the next one, which resumes before it.
      this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
    this.#become(state);
  }

  #become(state: Connection): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#wasLive ||= state === "live";
    for (const changed of this.#watchers) changed();
  }
}

export const live = new Live();

export function useConnection(): Connection {
  return useSyncExternalStore(live.watch, () => live.state);
}

export function useLost(): boolean {
  return useSyncExternalStore(live.watch, () => live.lost);
}
