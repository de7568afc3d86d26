import { useSyncExternalStore } from "react";
import { type Draft, type Outgoing, kept } from "./kept";
import { newKey } from "./key";

export type NewMessage = Pick<Outgoing, "workspaceId" | "threadId" | "taskId" | "text" | "files">;

/** `waiting`: the server has not said that it has it. `accepted`: it has, and the history will show it. `refused`: it does not take it. */
export type Stage = "waiting" | "accepted" | "refused";

export function stageOf({ messageId, refusal }: Outgoing): Stage {
  if (messageId !== null) return "accepted";
  return refusal === null ? "waiting" : "refused";
}

/**
 * Messages from the moment that somebody presses Enter until the history shows them. They are kept in the browser before the first byte
 * leaves, so that no reload loses one, and every tab shows and sends the same ones: their keys make a second send harmless.
 */
class Outbox {
  #messages: readonly Outgoing[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #others = new BroadcastChannel("postroom.outbox");

  constructor() {
    this.#others.onmessage = () => void this.load();
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

  /** `drafted`: it was the draft, and is it until it is here. Raises a DOMException when the browser keeps nothing: then it was not sent. */
  async add(message: NewMessage, { drafted = false } = {}): Promise<void> {
    const adding = (await kept()).transaction(["outbox", "drafts"], "readwrite", { durability: "strict" });
    const made: Omit<Outgoing, "number"> = { ...message, key: newKey(), left: false, messageId: null, refusal: null };
    // The store gives the number.
    void adding.objectStore("outbox").add(made as Outgoing);
    if (drafted) void adding.objectStore("drafts").delete(message.workspaceId);
    await adding.done;
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
    this.#messages = await (await kept()).getAll("outbox");
    for (const changed of this.#watchers) changed();
  }

  async #tell(): Promise<void> {
    await this.load();
    this.#others.postMessage(null);
  }
}

export const outbox = new Outbox();

export function useOutbox(): readonly Outgoing[] {
  return useSyncExternalStore(outbox.watch, () => outbox.messages);
}
