import { request } from "@/api/client";

/**
 * After an upgrade an open page asks for parts of itself that are no more. What was written is kept, so the new page is loaded, at the same
 * address: only when the server really has another, else this would go round in circles.
 */
export function renewWhenReplaced(): void {
  addEventListener("vite:preloadError", () => {
    // A server that is away has replaced nothing: the page says so, and offers to try again (broken.tsx).
    void isReplaced().then((replaced) => replaced && location.reload(), () => undefined);
  });
}

async function isReplaced(): Promise<boolean> {
  const own = document.querySelector<HTMLScriptElement>("script[type=module][src]");
  const now = await (await request("/")).text();
  return own !== null && !now.includes(new URL(own.src).pathname);
}
