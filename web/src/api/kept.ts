import { type DBSchema, type IDBPDatabase, openDB } from "idb";

/** A file that was picked: its bytes lie beside, under its key. `url` is its address once the server has it. */
export interface KeptFile {
  readonly key: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly url: string | null;
}

/** A message that was sent here and that the history has not shown yet. `key` is its Idempotency-Key, `number` its place in the order. */
export interface Outgoing {
  readonly number: number;
  readonly key: string;
  readonly workspaceId: string;
  /** The agent's name then, if it was known. */
  readonly to: string | null;
  /** When it was sent here, by this machine's clock. */
  readonly at: string;
  readonly threadId: string;
  readonly taskId: string | null;
  readonly text: string;
  readonly files: readonly KeptFile[];
  /** It was handed to the network: from then on only the server knows whether it has it. */
  readonly left: boolean;
  /** What the server calls it, once it has it. */
  readonly messageId: string | null;
  /** Why the server does not take it. */
  readonly refusal: string | null;
}

/** What is being written to an agent. */
export interface Draft {
  readonly workspaceId: string;
  /** The agent's name then, if it was known. */
  readonly to: string | null;
  readonly text: string;
  readonly files: readonly KeptFile[];
}

interface Kept extends DBSchema {
  outbox: { key: number; value: Outgoing };
  drafts: { key: string; value: Draft };
  bytes: { key: string; value: Blob };
}

let opened: Promise<IDBPDatabase<Kept>> | undefined;

/** What this browser keeps. Raises a DOMException where it may keep nothing. */
export function kept(): Promise<IDBPDatabase<Kept>> {
  opened ??= openDB<Kept>("postroom", 1, {
    upgrade(database) {
      database.createObjectStore("outbox", { keyPath: "number", autoIncrement: true });
      database.createObjectStore("drafts", { keyPath: "workspaceId" });
      database.createObjectStore("bytes");
    },
  });
  return opened;
}
