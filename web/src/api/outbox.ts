import { useSyncExternalStore } from "react";
import { type Draft, type Outgoing, kept } from "./kept";
import { newKey } from "./key";
import { allNoted, jot, onNote, tear } from "./notes";
import { nameOf } from "./workspaces";

export type NewMessage = Pick<Outgoing, "workspaceId" | "threadId" | "taskId" | "text" | "files">;

/** `waiting`: the server has not said that it has it. `accepted`: it has, and the history will show it. `refused`: it does not take it. */
export type Stage = "waiting" | "accepted" | "refused";

export function stageOf({ messageId, refusal }: Outgoing): Stage {
  if (messageId !== null) return "accepted";
  return refusal === null ? "waiting" : "refused";
}

/** A message on its way into the outbox. `place`: among those that are. `drafted`: it was the draft, and is until it is there. */
interface Entering {
  readonly place: number;
  readonly drafted: boolean;
  readonly made: Omit<Outgoing, "number">;
}

const ENTERING = "entering.";

/**
 * Messages from the moment that somebody presses Enter until the history shows them. They are noted with their key in that very moment, and
 * kept in the browser before the first byte leaves, so that no reload loses one, and every tab shows and sends the same ones: their keys
 * make a second send harmless.
 */
class Outbox {
  #messages: readonly Outgoing[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #others = new BroadcastChannel("postroom.outbox");

  constructor() {
    this.#others.onmessage = () => void this.load();
    // Its page may be closed before the message is in.
    onNote(ENTERING, () => void this.load());
    // A browser that keeps nothing has nothing to send; whoever writes is told.
    void this.load().catch(() => undefined);
  }

  get messages(): readonly Outgoing[] {
    return this.#messages;
  }

  watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };

  /** `drafted`: it is the draft. Raises a DOMException when the browser keeps nothing: then it was not sent. */
  async add(message: NewMessage, { drafted = false } = {}): Promise<void> {
    const made = { ...message, key: newKey(), to: nameOf(message.workspaceId), at: new Date().toISOString(), left: false, messageId: null, refusal: null };
    const entering: Entering = { place: (notedOnes().at(-1)?.place ?? 0) + 1, drafted, made };
    const unnote = jot(ENTERING + made.key, entering);
    try {
      await enter([entering]);
    } finally {
      unnote();
    }
    await this.#tell();
  }

  /** The message as it is then; undefined when it is not here any more. */
  async change({ number }: Outgoing, news: Partial<Pick<Outgoing, "files" | "left" | "messageId" | "refusal">>): Promise<Outgoing | undefined> {
    const changing = (await kept()).transaction("outbox", "readwrite");
    const now = await changing.store.get(number);
    const next = now && { ...now, ...news };
    if (next) void changing.store.put(next);
    await changing.done;
    await this.#tell();
    return next;
  }

  /** It becomes a draft again. */
  async takeBack({ number }: Outgoing, draft: Draft): Promise<void> {
    const taking = (await kept()).transaction(["outbox", "drafts"], "readwrite");
    void taking.objectStore("outbox").delete(number);
    void taking.objectStore("drafts").put(draft);
    await taking.done;
    await this.#tell();
  }

  /** They are in the history, or nobody wants them any more. */
  async drop(messages: readonly Outgoing[]): Promise<void> {
    if (messages.length === 0) return;
    const dropping = (await kept()).transaction(["outbox", "bytes"], "readwrite");
    for (const { number, files } of messages) {
      void dropping.objectStore("outbox").delete(number);
      for (const { key } of files) void dropping.objectStore("bytes").delete(key);
    }
    await dropping.done;
    await this.#tell();
  }

  async load(): Promise<void> {
    const left = notedOnes();
    if (left.length > 0) await enter(left);
    for (const { made } of left) tear(ENTERING + made.key);
    this.#messages = await (await kept()).getAll("outbox");
    for (const changed of this.#watchers) changed();
  }

  async #tell(): Promise<void> {
    await this.load();
    this.#others.postMessage(null);
  }
}

/** In the order in which they were sent. */
function notedOnes(): Entering[] {
  return (allNoted(ENTERING) as Entering[]).toSorted((one, other) => one.place - other.place);
}

/** Those that are not there yet: another tab, or the next life of this one, may have been quicker. */
async function enter(messages: readonly Entering[]): Promise<void> {
  const entering = (await kept()).transaction(["outbox", "drafts"], "readwrite", { durability: "strict" });
  const there = new Set((await entering.objectStore("outbox").getAll()).map(({ key }) => key));
  for (const { made, drafted } of messages.filter((one) => !there.has(one.made.key))) {
    // The store gives the number.
    void entering.objectStore("outbox").add(made as Outgoing);
    if (drafted) void entering.objectStore("drafts").delete(made.workspaceId);
  }
  await entering.done;
}

export const outbox = new Outbox();

export function useOutbox(): readonly Outgoing[] {
  return useSyncExternalStore(outbox.watch, () => outbox.messages);
}
