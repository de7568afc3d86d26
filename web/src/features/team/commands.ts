/** Whom an agent is to be, and where; what the commands below are made for. */
export interface Seat {
  /** The address of the post room. */
  url: string;
  id: string;
  name: string;
  role: string | null;
  token: string;
  /** Whether the agent is called at an address of its own; else it fetches its post. */
  called: boolean;
}

/** Something to do, and the text to do it with. */
export interface Step {
  say: string;
  /** Null where the page does it: it sends the agent a message. */
  code: string | null;
  /** Which of ours it calls. */
  command?: "postroom" | "python";
}

/** A way to bring an agent in. */
export interface Way {
  title: string;
  steps: (seat: Seat) => readonly Step[];
}

/** One word of a POSIX shell, whatever is in it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** JSON strings are Python's, too. */
const literal = (text: string) => JSON.stringify(text);

const lines = (...all: string[]) => all.join("\n");

/** What every way needs to know, for the shell that it begins in. */
export function variables({ url, id, token }: Pick<Seat, "url" | "id" | "token">): string {
  return lines(`export POSTROOM_URL=${quoted(url)}`, `export POSTROOM_WORKSPACE_ID=${id}`, `export POSTROOM_TOKEN=${quoted(token)}`);
}

const BEARER = '-H "Authorization: Bearer $POSTROOM_TOKEN"';

const KNOW = (seat: Seat): Step => ({ say: "In a terminal on the agent's machine, say who it is:", code: variables(seat) });

function agentFile({ name, called }: Seat): string {
  const [imports, run] = called ? ["Agent, serve", 'serve.run(agent, host="127.0.0.1", port=9000)'] : ["Agent", "agent.run()"];
  return lines(
    `from postroom.agent import ${imports}`,
    "",
    `agent = Agent(${literal(name)})`,
    "",
    "",
    "@agent.on_message",
    "async def handle(message):",
    "    return message.text.upper()",
    "",
    "",
    run,
  );
}

const PYTHON: Way = {
  title: "Python",
  steps: (seat) => [
    { say: "Save this as agent.py, where Postroom is installed:", code: agentFile(seat) },
    KNOW(seat),
    { say: "And start it:", code: "python agent.py", command: "python" },
  ],
};

const PROGRAM: Way = {
  title: "Any program",
  steps: (seat) => [
    KNOW(seat),
    {
      say: "The text comes in on standard input, what the program prints is the answer. Here it counts words:",
      code: `postroom agent run --name ${quoted(seat.name)} -- wc -w`,
      command: "postroom",
    },
  ],
};

function registration({ id, name, role, called }: Seat): string {
  const card = { name, description: role ?? name, version: "1.0.0" };
  return JSON.stringify({ id, agent_card: card, ...(called && { url: "http://127.0.0.1:9000/" }) });
}

const CURL: Way = {
  title: "curl",
  steps: (seat) => [
    KNOW(seat),
    {
      say: seat.called ? "Announce it, with the address at which it is called:" : "Announce it:",
      code: lines(`curl -s "$POSTROOM_URL/registry/register" ${BEARER} \\`, `  -d ${quoted(registration(seat))}`),
    },
    ...(seat.called ? [] : FETCH),
  ],
};

const FETCH: readonly Step[] = [
  { say: "Unless something waits for it already, write to it, here or in its chat:", code: null },
  {
    say: "Fetch its next message; this waits for one up to 20 seconds:",
    code: lines('INBOX="$POSTROOM_URL/workspaces/$POSTROOM_WORKSPACE_ID/inbox"', `curl -s ${BEARER} "$INBOX/claim" -d '{"wait": 20}' > item.json`),
  },
  {
    say: "And answer it. The token in the reply is the number of this hand-out:",
    code: lines(
      "if grep -q message_id item.json; then",
      `  MESSAGE=$(python3 -c 'import json; print(json.load(open("item.json"))["items"][0]["message_id"])')`,
      `  HANDOUT=$(python3 -c 'import json; print(json.load(open("item.json"))["items"][0]["token"])')`,
      `  curl -s ${BEARER} "$INBOX/$MESSAGE/reply" -d "{\\"token\\": $HANDOUT, \\"text\\": \\"good morning to you\\"}"`,
      "else",
      '  echo "Nothing to answer: nobody had written to it. Write to it, and fetch again."',
      "fi",
    ),
  },
];

/** Those that have an address are called there; one program per message is for those that fetch. */
export function ways({ called }: Pick<Seat, "called">): readonly Way[] {
  return called ? [PYTHON, CURL] : [PYTHON, PROGRAM, CURL];
}

/** MCP clients, as `postroom mcp install` knows them (src/postroom/cli/clients/table.py). */
const CLIENTS = [
  { key: "claude-code", title: "Claude Code" },
  { key: "codex", title: "Codex" },
  { key: "cursor", title: "Cursor" },
  { key: "cline", title: "Cline" },
  { key: "opencode", title: "OpenCode" },
  { key: "vscode", title: "VS Code" },
] as const;

const install = (client: string): Way["steps"] => (seat) => [
  {
    say: "On the machine of the client, with Postroom installed. It writes one entry into the client's configuration, without the token:",
    code: lines(`POSTROOM_URL=${quoted(seat.url)} \\`, `POSTROOM_TOKEN=${quoted(seat.token)} \\`, `postroom mcp install ${client}`),
    command: "postroom",
  },
  { say: "Start the client anew, and tell its agent:", code: "Wait for a message from the post room, and answer it." },
];

const address = ({ url, id }: Seat) => `${url}/workspaces/${id}/mcp`;

const OVER_HTTP: readonly Way[] = [
  {
    title: "Claude Code, over HTTP",
    steps: (seat) => [
      {
        say: "Nothing else has to be installed:",
        code: lines(`claude mcp add --transport http postroom ${quoted(address(seat))} \\`, `  --header ${quoted(`Authorization: Bearer ${seat.token}`)}`),
      },
    ],
  },
  {
    title: "Any other, over HTTP",
    steps: (seat) => [
      {
        say: "For the configuration of a client that speaks MCP's streamable HTTP:",
        code: JSON.stringify({ mcpServers: { postroom: { type: "http", url: address(seat), headers: { Authorization: `Bearer ${seat.token}` } } } }, null, 2),
      },
    ],
  },
];

export const MCP: readonly Way[] = [...CLIENTS.map(({ key, title }) => ({ title, steps: install(key) })), ...OVER_HTTP];
