import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { Link } from "react-router";
import { revokeToken, tokensQuery } from "@/api/tokens";
import { type Workspace, useWorkspaces } from "@/api/workspaces";
import { Avatar } from "@/ui/avatar";
import { classes } from "@/ui/classes";
import { Credentials } from "@/ui/credentials";
import { Field } from "@/ui/field";
import { Trouble, Waiting } from "@/ui/notice";
import { Panel } from "@/ui/panel";

/** What agents come in with, agent by agent. They are asked for when one looks: there may be many. */
export function AllTokens() {
  const { data: all = [] } = useWorkspaces();
  const [wanted, setWanted] = useState("");
  const shown = all.filter(({ name }) => name.toLowerCase().includes(wanted.trim().toLowerCase())).sort((one, other) => one.name.localeCompare(other.name));
  return (
    <Panel title="Tokens of agents">
      <div className="flex flex-col gap-2">
        <Field bare label="Find an agent" placeholder="Find an agent" type="search" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        <ul aria-label="Agents" className="divide-y divide-line">
          {shown.map((workspace) => (
            <Agent key={workspace.id} workspace={workspace} />
          ))}
        </ul>
        {shown.length === 0 && <p className="p-2 text-sm text-ink-soft">{all.length === 0 ? "There are no agents yet." : "No agent has that name."}</p>}
      </div>
    </Panel>
  );
}

function Agent({ workspace: { id, name } }: { workspace: Workspace }) {
  const [open, setOpen] = useState(false);
  const place = useId();
  return (
    <li>
      <button type="button" aria-expanded={open} aria-controls={place} onClick={() => setOpen(!open)} className="flex min-h-11 w-full items-center gap-3 rounded-lg px-1 text-left text-sm hover:bg-raised">
        <ChevronRight aria-hidden className={classes("size-4 shrink-0 text-ink-soft transition-transform", open && "rotate-90")} />
        <Avatar name={name} small />
        <span className="min-w-0 flex-1 truncate">{name}</span>
      </button>
      <div id={place}>{open && <Tokens workspace={id} name={name} />}</div>
    </li>
  );
}

function Tokens({ workspace, name }: { workspace: string; name: string }) {
  const tokens = useQuery(tokensQuery(workspace));
  if (tokens.isPending) return <Waiting what="Looking for its tokens" />;
  if (!tokens.data) return <Trouble error={tokens.error} onRetry={() => void tokens.refetch()} />;
  return (
    <div className="flex flex-col gap-3 py-3 pl-8">
      {tokens.data.length === 0 && <p className="text-sm text-ink-soft">None: no program can come in as {name}.</p>}
      <Credentials
        label={`Tokens of ${name}`}
        credentials={tokens.data.map((token) => ({ ...token, name: token.label ?? "Token without a label" }))}
        action="Revoke"
        consequence={`The very next request with it is refused. A program that comes in as ${name} with it stops working until it gets another one.`}
        onEnd={(token) => revokeToken(workspace, token.id)}
      />
      <Link className="self-start text-xs underline" to={`/w/${workspace}/overview`}>
        Make another one
      </Link>
    </div>
  );
}
