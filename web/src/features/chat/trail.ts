import { type Schemas, api, data } from "@/api/client";
import type { Frame } from "@/api/live";
import { type Entry, hasEnded } from "./entry";

/** Something that an agent told before its answer, as the feed has it. */
export interface Step {
  readonly cursor: string;
  readonly messageId: string;
  /** Which hand-out it belongs to. */
  readonly token: number;
  readonly parts: Entry["parts"];
  readonly status: string | null;
}

/** How far an answer is: what there is of it, and the newest word on how it goes. */
export interface Growing {
  readonly answer: string;
  readonly word: string;
}

export type Trails = ReadonlyMap<string, readonly Step[]>;

type Row = Schemas["ActivityShape"] | Frame;

export function stepOf({ cursor, payload, ...row }: Row): Step {
  return {
    cursor,
    messageId: ("message_id" in row ? row.message_id : payload.message_id) as string,
    token: payload.token as number,
    parts: payload.parts as Entry["parts"],
    status: (payload.status as string | undefined) ?? null,
  };
}

export function withStep(trails: Trails, step: Step): Trails {
  return new Map(trails).set(step.messageId, [...(trails.get(step.messageId) ?? []), step]);
}

/** What was read of these messages. Steps that were heard come after those that were read, or are among them. */
export function withRead(trails: Trails, messages: readonly Entry[], read: readonly Step[]): Trails {
  const known = new Set(read.map(({ cursor }) => cursor));
  const heard = (id: string) => (trails.get(id) ?? []).filter(({ cursor }) => !known.has(cursor));
  return new Map([...trails, ...messages.map(({ id }) => [id, [...read.filter(({ messageId }) => messageId === id), ...heard(id)]] as const)]);
}

/** Without what was told on the way to an end that is there: a page that is open for days keeps no more than what goes on. */
export function withoutEnded(trails: Trails, entries: readonly Entry[]): Trails {
  const ended = new Set(entries.filter(hasEnded).map(({ id }) => id));
  return new Map([...trails].filter(([id]) => !ended.has(id)));
}

/** Pieces of the answer are joined as they are; other words take the place of those before (docs/http.md, "The inbox"). */
export function grown(steps: readonly Step[]): Growing {
  const token = steps.at(-1)?.token;
  return steps.filter((step) => step.token === token).reduce(further, { answer: "", word: "" });
}

function further(now: Growing, { parts, status }: Step): Growing {
  const texts = parts.map((part) => ({ text: part.text ?? "", append: part.metadata?.["postroom.append"] }));
  const words = texts.filter(({ append }) => append === undefined).map(({ text }) => text);
  const answer = texts.reduce((whole, { text, append }) => (append === undefined ? whole : append === false ? text : whole + text), now.answer);
  // An answer that goes on says more than the word that came before it.
  return { answer, word: words.join("\n") || status || (words.length < texts.length ? "" : now.word) };
}

const PAGE = 200;
/** Pages: at four reports a second more than ten minutes of an agent that never stops talking. */
const MOST = 15;

/** What was told about messages that are being worked on, since a time, oldest first. */
export async function readSteps(workspaceId: string, since: string): Promise<Step[]> {
  const path = { id: workspaceId };
  let steps: Step[] = [];
  let before: { before_id?: string } = {};
  for (let page = 0; page < MOST; page++) {
    const rows = await data(api.GET("/workspaces/{id}/activity", { params: { path, query: { type: "message.progress", limit: PAGE, ...before } } }));
    steps = [...rows.map(stepOf), ...steps];
    const first = rows[0];
    if (!first || rows.length < PAGE || first.timestamp < since) break;
    before = { before_id: first.cursor };
  }
  return steps;
}
