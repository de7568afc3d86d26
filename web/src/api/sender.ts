import { sendMessage } from "./a2a";
import type { Schemas } from "./client";
import { type Outgoing, kept } from "./kept";
import { live } from "./live";
import { outbox, stageOf } from "./outbox";
import { Problem, isLoggedOut, passes } from "./problem";
import { queries } from "./queries";
import { upload } from "./uploads";

/** Milliseconds between attempts: doubled each time, with jitter, so that a server that comes back is not overrun. */
const PAUSE = { least: 500, most: 30_000 };
const TIMEOUT = 408;
const FAULT = 500;
const FORGOTTEN = "file_unknown";

/** How long to wait before attempt `tries` + 1. */
function pauseAfter(tries: number, error: unknown, chance: number): number {
  const asked = error instanceof Problem ? (error.retryAfter ?? 0) * 1_000 : 0;
  return asked + PAUSE.least + chance * Math.min(PAUSE.most, PAUSE.least * 2 ** tries);
}

/** The same request with the same key may be taken later: it is harmless if it had been taken before. */
function comesAgain(error: unknown): boolean {
  return passes(error) || !(error instanceof Problem) || error.status === TIMEOUT || error.status === FAULT || isLoggedOut(error);
}

/**
 * Sends what is in the outbox, each chat in its order, the chats beside one another. A message leaves the order when the server has said
 * yes or no; as long as it says nothing, it is sent again with the same key.
 */
class Sender {
  readonly #busy = new Set<string>();
  readonly #impatient = new Set<() => void>();

  start(): void {
    outbox.watch(() => this.#look());
    live.watch(() => live.state === "live" && this.#hurry());
    this.#look();
  }

  #look(): void {
    for (const message of outbox.messages) {
      if (stageOf(message) === "waiting" && !this.#busy.has(message.workspaceId)) void this.#send(message.workspaceId);
    }
  }

  async #send(workspaceId: string): Promise<void> {
    this.#busy.add(workspaceId);
    try {
      let tries = 0;
      while (first(workspaceId) !== undefined) {
        const error = await this.#turn(workspaceId);
        if (error === null) tries = 0;
        else await this.#patience(pauseAfter(tries++, error, Math.random()));
      }
    } finally {
      this.#busy.delete(workspaceId);
    }
  }

  /** One attempt, by one tab at a time where the browser can see to it. What went wrong, if that may pass. */
  #turn(workspaceId: string): Promise<unknown> {
    const locks = navigator.locks as LockManager | undefined;
    const act = async () => {
      await outbox.load();
      const message = first(workspaceId);
      return message === undefined ? null : attempt(message);
    };
    return locks === undefined ? act() : locks.request(`postroom.outbox.${workspaceId}`, act);
  }

  /** Until the time is up, or the connection is there again. */
  #patience(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        this.#impatient.delete(go);
        resolve();
      };
      const timer = setTimeout(go, milliseconds);
      this.#impatient.add(go);
    });
  }

  #hurry(): void {
    for (const go of [...this.#impatient]) go();
  }
}

function first(workspaceId: string): Outgoing | undefined {
  return outbox.messages.find((message) => message.workspaceId === workspaceId && stageOf(message) === "waiting");
}

async function attempt(message: Outgoing): Promise<unknown> {
  try {
    const ready = await outbox.change(await withFilesSent(message), { left: true });
    // Somebody took it back while its files went out.
    if (ready) await outbox.change(ready, { messageId: await sendMessage(ready.workspaceId, { ...ready, parts: partsOf(ready) }) });
  } catch (error) {
    if (isLoggedOut(error)) void queries.invalidateQueries({ queryKey: ["session"] });
    if (comesAgain(error)) return error;
    if (error instanceof Problem && error.code === FORGOTTEN && (await sendFilesAgain(message))) return error;
    await outbox.change(message, { refusal: error instanceof Error ? error.message : "The server does not take it." });
  }
  return null;
}

/** Each file is remembered as sent, so that a reload does not send it again. */
async function withFilesSent(message: Outgoing): Promise<Outgoing> {
  const file = message.files.find(({ url }) => url === null);
  if (file === undefined) return message;
  const bytes = await (await kept()).get("bytes", file.key);
  if (bytes === undefined) throw new Problem(422, { error: `This browser has not kept ${file.name}: attach it again.` });
  const url = await upload(file, bytes);
  const files = message.files.map((one) => (one.key === file.key ? { ...one, url } : one));
  return withFilesSent((await outbox.change(message, { files })) ?? { ...message, files });
}

/** A server forgets files that no message names for a day; whether there is something to send again. */
async function sendFilesAgain(message: Outgoing): Promise<boolean> {
  const here = new Set(await (await kept()).getAllKeys("bytes"));
  if (!message.files.every(({ key }) => here.has(key))) return false;
  return (await outbox.change(message, { files: message.files.map((file) => ({ ...file, url: null })) })) !== undefined;
}

function partsOf({ text, files }: Outgoing): Schemas["Part"][] {
  const named = files.flatMap(({ url }) => (url === null ? [] : [{ url }]));
  return text === "" ? named : [{ text }, ...named];
}

export const sender = new Sender();
