// The page until the real one is here: lets the browser in, then shows the team.

const SLOW = 15_000;
const $ = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Refused(answer.status, content.error);
  return content;
}

// What stands between backticks is a command.
function tell(sentence) {
  $("notice").replaceChildren(...sentence.split("`").map((piece, number) => (number % 2 ? element("code", piece) : piece)));
  $("notice").hidden = !sentence;
}

// The code of a login link stands after the #, which is sent to nobody. It goes from the address bar before anything else happens.
function takeCode() {
  const code = location.hash.slice(1);
  if (code) history.replaceState(null, "", location.pathname);
  return code;
}

async function enter() {
  const code = takeCode();
  let spent = "";
  try {
    if (code) await call("POST", "/session", { code });
  } catch (error) {
    // A link that was used before is no reason to send away a browser that it had let in.
    if (error.status !== 401) throw error;
    spent = "This link was used or is too old. ";
  }
  let caller;
  try {
    caller = await call("GET", "/session");
  } catch (error) {
    if (error.status !== 401) throw error;
    throw new Refused(401, `${spent}To come in, run \`postroom login-link\` in a terminal and open the link it prints.`);
  }
  $("name").textContent = caller.name;
}

function inTreeOrder(workspaces) {
  const known = new Set(workspaces.map((workspace) => workspace.id));
  const children = new Map();
  for (const workspace of workspaces) {
    const parent = known.has(workspace.parent_id) ? workspace.parent_id : null;
    children.set(parent, [...(children.get(parent) ?? []), workspace]);
  }
  const descend = (parent, depth) =>
    (children.get(parent) ?? []).flatMap((workspace) => [{ workspace, depth }, ...descend(workspace.id, depth + 1)]);
  return descend(null, 0);
}

// Names and roles are what somebody wrote: they go in as text, never as markup.
function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row({ workspace, depth }) {
  const name = element("td", "", `depth-${Math.min(depth, 3)}`);
  name.append(element("span", workspace.name));
  if (workspace.role) name.append(element("small", workspace.role));
  const status = element("td", "");
  const state = element("span", workspace.status, "status");
  state.dataset.status = workspace.status;
  status.append(state);
  const made = document.createElement("tr");
  const mode = workspace.delivery_mode === "push" ? "is called" : "fetches";
  made.append(name, status, element("td", mode), element("td", workspace.queue_depth, "number"));
  return made;
}

async function show() {
  const workspaces = await call("GET", "/workspaces");
  $("rows").replaceChildren(...inTreeOrder(workspaces).map(row));
  $("empty").hidden = workspaces.length > 0;
  $("count").textContent = workspaces.length || "";
  for (const id of ["who", "team", "try"]) $(id).hidden = false;
  tell("");
}

function leave(sentence) {
  for (const id of ["who", "team", "try"]) $(id).hidden = true;
  tell(sentence);
}

// One look at a time; what happens meanwhile asks for one more after it.
function makeRefresh() {
  let running = false;
  let again = false;
  return async function refresh() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await show();
    } catch (error) {
      if (error.status === 401) leave("You are logged out. `postroom login-link` lets you in again.");
      else tell("The server does not answer. Trying again…");
    }
    running = false;
    if (again) {
      again = false;
      setTimeout(refresh, 250);
    }
  };
}

async function start() {
  try {
    await enter();
  } catch (error) {
    tell(error.message);
    return;
  }
  const refresh = makeRefresh();
  $("leave").addEventListener("click", async () => {
    await call("DELETE", "/session");
    location.reload();
  });
  await refresh();
  // The feed says when to look; the slow look is for when the feed does not get through.
  const feed = new EventSource("/events/stream");
  feed.onmessage = refresh;
  setInterval(refresh, SLOW);
}

start();
