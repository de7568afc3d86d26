// VERSION and FILES are put before this by the build. What people said is never kept here: the outbox is the page's, the rest the server's.
const SHELL = `shell-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST" && url.pathname === "/share") event.respondWith(takeShared(request));
  else if (request.method !== "GET") return;
  else if (request.mode === "navigate") event.respondWith(openPage(request));
  else if (FILES.includes(url.pathname)) event.respondWith(fromShell(request));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showPage(event.notification.data?.path ?? "/"));
});

async function keepShell() {
  const shell = await caches.open(SHELL);
  await shell.addAll(["/", ...FILES]);
}

async function dropOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("shell-") && name !== SHELL).map((name) => caches.delete(name)));
}

async function fromShell(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// Milliseconds that the page may take before the kept one is shown: to somebody on a train, or whose server hangs.
const PATIENCE = 3_000;

// The newest page when the server has it, else the kept one, which shows what it can and says how things are.
async function openPage(request) {
  const kept = await caches.match("/");
  const limit = new AbortController();
  const timer = setTimeout(() => kept && limit.abort(), PATIENCE);
  try {
    const answer = await fetch(request, { signal: limit.signal });
    // So answers a proxy whose server is away.
    return kept && answer.status >= 502 ? kept : answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function showPage(path) {
  const pages = await self.clients.matchAll({ type: "window" });
  const open = pages[0];
  if (!open) return self.clients.openWindow(path);
  await open.focus();
  // The page goes there itself, without being loaded anew.
  return open.postMessage({ go: path });
}

// What another application shares waits in a cache until the page has put it into a draft.
async function takeShared(request) {
  const form = await request.formData();
  const files = form.getAll("files").filter((file) => file instanceof File);
  // What was shared before and nobody took is not part of it.
  await caches.delete("shared");
  const waiting = await caches.open("shared");
  const text = ["title", "text", "url"].map((name) => form.get(name)).filter(Boolean).join("\n");
  await waiting.put("/shared/text", new Response(text));
  await Promise.all(files.map((file, number) => waiting.put(`/shared/${number}`, sharedResponse(file))));
  return Response.redirect("/?m=chat&shared=1", 303);
}

function sharedResponse(file) {
  return new Response(file, { headers: { "Content-Type": file.type, "X-File-Name": encodeURIComponent(file.name) } });
}
