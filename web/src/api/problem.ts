/** What the server said no with, as docs/http.md has it. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** Seconds, of 429 and 503. */
  readonly retryAfter: number | null;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>, retryAfter: number | null = null) {
    super(typeof body.error === "string" ? body.error : `The server answered with status ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = typeof body.code === "string" ? body.code : "unknown";
    this.requestId = typeof body.request_id === "string" ? body.request_id : null;
    this.retryAfter = retryAfter;
    this.data = body;
  }
}

/** No answer came: the network, the server, or the time is gone. Whether the request took effect is not known. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The server can not be reached.", { cause });
    this.name = "Unreachable";
  }
}

/** Whether the same request may succeed later without a change. */
export function passes(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && (error.status === 429 || error.status >= 502));
}

export function isLoggedOut(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}
