import { type Frame, live } from "@/api/live";
import type { Outgoing } from "@/api/kept";
import { outbox, stageOf } from "@/api/outbox";
import { type Entry, type Page, hasEnded } from "./entry";
import { type Place, type Which, isAbout, placeOf, readPage } from "./pages";
import { type Trails, readSteps, stepOf, withRead, withStep, withoutEnded } from "./trail";
import { type Window, keysIn, nothing, opened, patched, renewed, withNewer, withOlder, withRoom, withoutNewest, withoutOldest } from "./window";

export interface Shown {
  readonly window: Window;
  /** What was sent from this browser and is not in the window yet. */
  readonly outgoing: readonly Outgoing[];
  /** What agents told about messages that they work on. */
  readonly trails: Trails;
  /** Nothing was read yet. */
  readonly waiting: boolean;
  /** Why the last read failed. */
  readonly error: unknown;
  /** Whoever reads follows the newest, and stays with it when there is more. */
  readonly along: boolean;
  /** Where it was opened last; the same place again is another opening. */
  readonly opening: { readonly at: Place } | null;
  /** The last change was at the beginning of the entries: what is on the screen keeps its place as seen from the end. */
  readonly shift: boolean;
}

const PAGE = 50;
const BURST = 200;
/** Frames after which there is something new to fetch. */
const ARRIVALS = new Set(["message.accepted", "message.replied", "notice.posted"]);

/** A conversation on the screen: read from the server, kept in step by the feed. What it shows is what the database holds. */
export class History {
  #shown: Shown = { window: nothing, outgoing: [], trails: new Map(), waiting: true, error: null, along: true, opening: null, shift: false };
  #reading: Promise<void> | null = null;
  #behind = false;
  /** Ends that are told together with the answers that they bring. */
  #held: Frame[] = [];
  /** What was heard since the last read began: what it brings may be older. */
  #heard: Frame[] = [];
  /** Messages whose earlier steps were fetched. */
  readonly #recalled = new Set<string>();
  #ends: (() => void)[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #which: Which;

  constructor(which: Which) {
    this.#which = which;
  }

  /** Read, and follow the feed until the function that it returns is called. */
  start = (): (() => void) => {
    this.#ends = [
      live.onFrame((frame) => this.#hear(frame)),
      live.onFresh(() => (this.#shown.along ? this.open() : this.catchUp())),
      live.watch(() => live.state === "live" && this.#shown.error !== null && this.catchUp()),
      outbox.watch(() => this.#expect()),
    ];
    this.#show({});
    this.open();
    return () => {
      for (const end of this.#ends) end();
    };
  };

  watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };

  shown = (): Shown => this.#shown;

  /** The newest page, or the one around a place. */
  open(around?: Place): void {
    void this.#alone(async () => {
      const settled = this.#accepted();
      const page = await this.#read(around === undefined ? { limit: PAGE } : { around, limit: PAGE });
      const newest = around === undefined;
      this.#show({ window: this.#current(opened(page, newest)), waiting: false, along: newest, opening: around === undefined ? null : { at: around } });
      if (newest) await this.#settle(settled);
    });
  }

  /** Whether the newest is before the reader's eyes. */
  follow(along: boolean): void {
    if (along !== this.#shown.along && !(along && this.#shown.window.newer)) this.#show({ along });
  }

  toNewest(): void {
    if (this.#shown.window.newer) this.open();
    else this.follow(true);
  }

  older(): void {
    const { window } = this.#shown;
    const first = window.entries[0];
    if (!window.older || !first || this.#reading) return;
    void this.#alone(async () => {
      this.#show({ window: withoutNewest(this.#shown.window) });
      const page = await this.#read({ before: this.#place(first), limit: PAGE });
      this.#show({ window: this.#current(withOlder(this.#shown.window, page)), shift: true });
    });
  }

  newer(): void {
    const last = this.#shown.window.entries.at(-1);
    if (!this.#shown.window.newer || !last || this.#reading) return;
    void this.#alone(async () => {
      this.#show({ window: withoutOldest(this.#shown.window), shift: true });
      const page = await this.#read({ after: this.#place(last), limit: PAGE });
      this.#show({ window: this.#current(withNewer(this.#shown.window, page)) });
    });
  }

  /** Somebody does not trust what is shown. */
  refresh = (): void => {
    live.start();
    this.open();
  };

  /** What came since. Calls while one is under way are one more when it is done. */
  catchUp(): void {
    this.#behind = true;
    if (this.#reading === null) void this.#alone(() => Promise.resolve());
  }

  async #alone(act: () => Promise<void>): Promise<void> {
    while (this.#reading) await this.#reading;
    this.#reading = this.#reported(act);
    await this.#reading;
  }

  async #reported(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      await this.#recall();
      // Also what came while the steps were read.
      while (this.#behind && !this.#shown.window.newer) {
        await this.#follow();
        await this.#recall();
      }
      if (this.#shown.error !== null) this.#show({ error: null });
    } catch (error) {
      this.#show({ error, waiting: false });
    } finally {
      this.#reading = null;
    }
  }

  async #follow(): Promise<void> {
    this.#makeRoom();
    if (this.#shown.window.newer) return;
    this.#behind = false;
    const [settled, held] = [this.#accepted(), this.#held];
    this.#held = [];
    try {
      const last = this.#shown.window.entries.at(-1);
      const page = await this.#read(last ? { after: this.#place(last), limit: BURST } : { limit: PAGE });
      const window = last ? { ...withNewer(this.#shown.window, page), newer: false } : opened(page, true);
      const there = page.reached_end || !last;
      this.#behind ||= !there;
      this.#show({ window: this.#current(patched(window, held)) });
      if (there) await this.#settle(settled);
    } catch (error) {
      this.#behind = true;
      this.#held = [...held, ...this.#held];
      throw error;
    }
  }

  #makeRoom(): void {
    const { window, along } = this.#shown;
    const roomy = withRoom(window, along);
    if (roomy !== window) this.#show({ window: patched(roomy, this.#held), shift: along });
  }

  /** What was told before this page was there. */
  async #recall(): Promise<void> {
    const told = this.#shown.window.entries.filter((entry) => !hasEnded(entry) && entry.progress !== null && !this.#recalled.has(entry.id));
    const since = told.map(({ handed_at, timestamp }) => handed_at ?? timestamp).sort()[0];
    if (since === undefined) return;
    const read = await readSteps(this.#which.workspaceId, since);
    for (const { id } of told) this.#recalled.add(id);
    this.#show({ trails: withRead(this.#shown.trails, told, read) });
  }

  #hear(frame: Frame): void {
    const { workspaceId, view } = this.#which;
    const elsewhere = frame.workspace_id !== workspaceId;
    if (elsewhere && (view === "people" || frame.payload.peer_id !== workspaceId)) return;
    if (frame.event === "message.progress" && isAbout(this.#which, frame)) this.#show({ trails: withStep(this.#shown.trails, stepOf(frame)) });
    if (ARRIVALS.has(frame.event) && !this.#shown.window.newer) {
      this.#held.push(frame);
      this.catchUp();
    } else {
      if (this.#reading) this.#heard.push(frame);
      this.#show({ window: patched(this.#shown.window, [frame]) });
    }
    if (elsewhere && frame.event === "message.replied") this.#renew(frame.payload.message_id as string);
  }

  /** What came back for what the agent asked of another one stands with the question. */
  #renew(id: string): void {
    void this.#alone(async () => {
      if (this.#shown.window.entries.some((entry) => entry.id === id)) this.#show({ window: renewed(this.#shown.window, await this.#read({ around: id, limit: 1 })) });
    });
  }

  /** The server has said yes to one of ours: the history has it. */
  #expect(): void {
    this.#show({});
    if (this.#shown.outgoing.some((message) => stageOf(message) === "accepted")) this.catchUp();
  }

  #ours(): readonly Outgoing[] {
    const { workspaceId, threadId, view } = this.#which;
    return outbox.messages.filter((one) => view === "people" && one.workspaceId === workspaceId && (threadId === null || one.threadId === threadId));
  }

  #accepted(): readonly Outgoing[] {
    return this.#ours().filter((message) => stageOf(message) === "accepted");
  }

  /** What had been accepted before the newest was read is in it, or before it; and what is in it was accepted. */
  #settle(accepted: readonly Outgoing[]): Promise<void> {
    return outbox.drop(this.#ours().filter((message) => !this.#shown.outgoing.includes(message) || accepted.some(({ key }) => key === message.key)));
  }

  #place(entry: Entry): Place {
    return placeOf(entry, this.#which);
  }

  #read(place: { before?: Place; after?: Place; around?: Place; limit: number }): Promise<Page> {
    this.#heard = [];
    return readPage(this.#which, place);
  }

  #current(window: Window): Window {
    return patched(window, this.#heard);
  }

  #show(news: Partial<Shown>): void {
    const next = { ...this.#shown, shift: false, ...news };
    const here = keysIn(next.window);
    const trails = news.window && next.trails.size > 0 ? withoutEnded(next.trails, next.window.entries) : next.trails;
    this.#shown = { ...next, trails, outgoing: this.#ours().filter(({ key }) => !here.has(key)) };
    for (const changed of this.#watchers) changed();
  }
}
