import { type Schemas, request } from "./client";
import { Problem } from "./problem";

const NAME = "X-Postroom-Message-Id";

type Json = Readonly<Record<string, unknown>>;

interface Said {
  key: string;
  threadId: string;
  /** The task whose question this answers. */
  taskId: string | null;
  parts: readonly Schemas["Part"][];
}

/** Hands a message to the server; its id there. The key is also its `messageId`, by which the history names it. */
export async function sendMessage(workspaceId: string, { key, threadId, taskId, parts }: Said): Promise<string> {
  const message = { messageId: key, role: "ROLE_USER", contextId: threadId, ...(taskId && { taskId }), parts };
  return call(workspaceId, "SendMessage", { message, configuration: { returnImmediately: true } }, { "Idempotency-Key": key });
}

/** Raises Problem when it has ended already. */
export async function cancelTask(workspaceId: string, taskId: string): Promise<void> {
  await call(workspaceId, "CancelTask", { id: taskId }, {});
}

/** The id of the message that it was about: whoever is told it was understood, even if the rest of the answer is cut off. */
async function call(workspaceId: string, method: string, params: Json, headers: Readonly<Record<string, string>>): Promise<string> {
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json", "A2A-Version": "1.0", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  };
  const answer = await post(`/workspaces/${workspaceId}/a2a`, init);
  const id = answer.headers.get(NAME);
  if (id !== null) return id;
  const body = (await answer.json()) as { error?: Json };
  throw body.error ? refusal(answer.status, body.error, null) : new Problem(502, { error: "Something between this page and the server answered in its place." });
}

/** A refusal has the error of every other route as the `data` of its JSON-RPC error. */
async function post(path: string, init: RequestInit): Promise<Response> {
  try {
    return await request(path, init);
  } catch (error) {
    if (error instanceof Problem && typeof error.data.error === "object" && error.data.error !== null) {
      throw refusal(error.status, error.data.error as Json, error.retryAfter);
    }
    throw error;
  }
}

/** The protocol's own errors come with status 200: nothing but another request helps. */
function refusal(status: number, { message, data }: Json, retryAfter: number | null): Problem {
  const told = typeof data === "object" && data !== null && !Array.isArray(data) ? (data as Json) : {};
  return new Problem(status === 200 ? 422 : status, { error: message, ...told }, retryAfter);
}
