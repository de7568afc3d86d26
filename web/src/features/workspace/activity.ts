import { type Frame, live, placeOf } from "@/api/live";
import { type Entry, PROGRESS, type Row, type Wanted, entryOf, folded, isWanted, readRows, rowOf } from "./activity-rows";

export interface Shown {
  /** The newest first; null until something was read. */
  readonly entries: readonly Entry[] | null;
  /** Where those before them begin; null is the beginning of all. */
  readonly before: string | null;
  /** The newest are before the reader's eyes; else what is heard waits in `news`. */
  readonly along: boolean;
  readonly news: readonly Entry[];
  /** Between what is shown and what is heard something is missing: the newest are to be read again. */
  readonly torn: boolean;
  readonly busy: boolean;
  /** Why the last read failed. */
  readonly error: unknown;
}

/** Lines. What is heard beyond that is not kept: it is read again when it is looked at. */
const MOST = 1_000;
/** Lines that fill a screen. As long as progress folds into fewer, one press reads on, but so many pages at most. */
const SCREEN = 30;
const PAGES = 20;

/** What happened to a workspace, as a list without gaps: read from the server, pages backwards from the newest, and gone on with by the feed. */
export class Activity {
  #shown: Shown = { entries: null, before: null, along: true, news: [], torn: true, busy: true, error: null };
  /** What was heard since the newest are being read; null when they are not. */
  #heard: Row[] | null = null;
  /** The place of the newest that was read: the feed may be behind what the server answers, and tell it later. */
  #read = "";
  #turn = 0;
  readonly #watchers = new Set<() => void>();
  readonly #workspace: string;
  readonly #wanted: Wanted;

  constructor(workspace: string, wanted: Wanted) {
    this.#workspace = workspace;
    this.#wanted = wanted;
  }

  /** Read, and follow the feed until the function that it returns is called. */
  start = (): (() => void) => {
    const ends = [
      live.onFrame((frame) => this.#hear(frame)),
      live.onFresh(() => this.#tear()),
      live.watch(() => live.state === "live" && this.#shown.error !== null && this.retry()),
    ];
    this.open();
    return () => {
      this.#turn++;
      for (const end of ends) end();
    };
  };

  watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };

  shown = (): Shown => this.#shown;

  /** The newest, and as many before them as fill the screen. */
  open(): void {
    this.#heard = [];
    this.#show({ torn: true, along: true, news: [] });
    void this.#alone(async (isLast) => {
      const { rows, before } = await readRows(this.#workspace, this.#wanted, null);
      if (!isLast()) return;
      const heard = this.#heard ?? [];
      this.#heard = null;
      this.#read = rows[0] ? placeOf(rows[0].cursor) : "";
      this.#show({ entries: this.#lines(rows.map(entryOf)), before, torn: false });
      for (const row of heard) this.#add(row);
      await this.#readOn(SCREEN, isLast);
    });
  }

  /** A screen more of what was before. */
  older(): void {
    const enough = (this.#shown.entries?.length ?? 0) + SCREEN;
    void this.#alone((isLast) => this.#readOn(enough, isLast));
  }

  /** What failed, once more. */
  retry(): void {
    if (this.#shown.torn && this.#shown.along) this.open();
    else this.older();
  }

  /** Whether the newest are before the reader's eyes. */
  follow(along: boolean): void {
    if (along === this.#shown.along) return;
    if (along) this.toNewest();
    else this.#show({ along });
  }

  toNewest(): void {
    const { entries, news, torn } = this.#shown;
    if (torn) this.open();
    else this.#show({ along: true, entries: this.#lines([...news, ...(entries ?? [])]), news: [] });
  }

  async #readOn(enough: number, isLast: () => boolean): Promise<void> {
    for (let pages = 0; pages < PAGES; pages++) {
      const { entries, before } = this.#shown;
      if (entries === null || before === null || entries.length >= enough) return;
      const page = await readRows(this.#workspace, this.#wanted, before);
      if (!isLast()) return;
      this.#show({ entries: this.#lines([...(this.#shown.entries ?? []), ...page.rows.map(entryOf)]), before: page.before });
    }
  }

  /** Another read that begins meanwhile takes its place. */
  async #alone(ask: (isLast: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.#turn;
    const isLast = () => turn === this.#turn;
    this.#show({ busy: true, error: null });
    const error = await ask(isLast).then(() => null, (reason: unknown) => reason);
    if (!isLast()) return;
    this.#heard = null;
    this.#show({ busy: false, error });
  }

  #hear(frame: Frame): void {
    const row = rowOf(frame);
    if (!isWanted(row, this.#workspace, this.#wanted)) return;
    if (this.#heard) this.#heard.push(row);
    else if (!this.#shown.torn) this.#add(row);
  }

  #add(row: Row): void {
    if (placeOf(row.cursor) <= this.#read) return;
    const { entries, along, news } = this.#shown;
    const lines = this.#lines([entryOf(row), ...(along ? (entries ?? []) : news)]);
    if (lines.length > MOST) this.#tear();
    else this.#show(along ? { entries: lines } : { news: lines });
  }

  /** Not all that happens now is in what is kept. */
  #tear(): void {
    if (this.#shown.along) this.open();
    else this.#show({ torn: true, news: [] });
  }

  /** Who looks at nothing but progress looks at each of it. */
  #lines(entries: readonly Entry[]): readonly Entry[] {
    return this.#wanted.type === PROGRESS ? entries : folded(entries);
  }

  #show(news: Partial<Shown>): void {
    this.#shown = { ...this.#shown, ...news };
    for (const changed of this.#watchers) changed();
  }
}
