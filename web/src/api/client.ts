import createClient from "openapi-fetch";
import { Problem, Unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** Milliseconds: no request waits for ever (R43). */
const PATIENCE = 30_000;

/** `fetch` with an end, and with the errors of problem.ts. */
export async function request(input: RequestInfo, init: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(PATIENCE);
  let answer: Response;
  try {
    answer = await fetch(input, { ...init, signal: init.signal ? AbortSignal.any([init.signal, limit]) : limit });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable(error);
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer: Response): Promise<Problem> {
  const seconds = Number(answer.headers.get("Retry-After"));
  return new Problem(answer.status, await bodyOf(answer), seconds > 0 ? seconds : null);
}

async function bodyOf(answer: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await answer.json();
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    // Something between us and the server answered: the status says what there is to say.
    return {};
  }
}

/** Typed calls: `await data(api.GET("/workspaces/{id}", { params: { path: { id } } }))`. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: (asked: Request) => request(asked, { signal: asked.signal }) });

/** The body of an answer that `request` let through. Raises Problem and Unreachable. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  try {
    return (await call).data as T;
  } catch (error) {
    // An answer that was cut off in its body is none.
    throw error instanceof TypeError ? new Unreachable(error) : error;
  }
}
