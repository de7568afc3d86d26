import { useMutation } from "@tanstack/react-query";
import { CircleCheck, LoaderCircle, Send } from "lucide-react";
import { Tabs } from "radix-ui";
import { useState } from "react";
import { Link } from "react-router";
import { newKey } from "@/api/key";
import { outbox } from "@/api/outbox";
import { type Workspace, useWorkspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Code, CommandHint } from "@/ui/copy";
import { Select } from "@/ui/field";
import { complain } from "@/ui/toast";
import { MCP, type Seat, type Step, ways } from "./commands";

/** The token, once, and how an agent comes in with it. */
export function Connect({ workspace, token }: { workspace: Workspace; token: string }) {
  const { id, name, role, delivery_mode } = workspace;
  const seat: Seat = { url: location.origin, id, name, role, token, called: delivery_mode === "push" };
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-col gap-1.5">
        <p className="text-sm">
          Its token. Copy it now: it is <strong>shown this once</strong>. Who has it is this agent.
        </p>
        <Code text={token} label={`Token of ${name}`} />
      </div>
      <Ways seat={seat} />
    </div>
  );
}

const TAB =
  "-mb-px min-h-9 border-b-2 border-transparent px-3 text-sm text-ink-soft hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink pointer-coarse:min-h-11";

function Ways({ seat }: { seat: Seat }) {
  const all = ways(seat);
  return (
    <Tabs.Root defaultValue={all[0]?.title ?? ""}>
      <Tabs.List aria-label="Ways to connect it" className="flex gap-1 overflow-x-auto border-b border-line">
        {[...all.map(({ title }) => title), "MCP"].map((title) => (
          <Tabs.Trigger key={title} value={title} className={TAB}>
            {title}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {all.map(({ title, steps }) => (
        <Tabs.Content key={title} value={title}>
          <Steps id={seat.id} steps={steps(seat)} />
        </Tabs.Content>
      ))}
      <Tabs.Content value="MCP">
        <Clients seat={seat} />
      </Tabs.Content>
    </Tabs.Root>
  );
}

function Clients({ seat }: { seat: Seat }) {
  const [chosen, choose] = useState(0);
  return (
    <div className="pt-3">
      <Select label="Client" value={chosen} onChange={(event) => choose(Number(event.target.value))}>
        {MCP.map(({ title }, number) => (
          <option key={title} value={number}>
            {title}
          </option>
        ))}
      </Select>
      <Steps id={seat.id} steps={MCP[chosen]?.steps(seat) ?? []} />
    </div>
  );
}

function Steps({ id, steps }: { id: string; steps: readonly Step[] }) {
  return (
    <ol className="flex flex-col gap-3 pt-3">
      {steps.map(({ say, code, command }) => (
        <li key={say} className="flex min-w-0 flex-col gap-1.5">
          <p className="text-sm">{say}</p>
          {code === null ? <Hello id={id} /> : <Code text={code} label={say.replace(/[.:]$/, "")} />}
          {command && <CommandHint command={command} />}
        </li>
      ))}
    </ol>
  );
}

/** So that there is something to fetch. */
function Hello({ id }: { id: string }) {
  const { mutate, isPending, isSuccess } = useMutation({ mutationFn: () => outbox.add({ workspaceId: id, threadId: newKey(), taskId: null, text: "hello", files: [] }), onError: complain });
  return (
    <div className="flex items-center gap-3 text-sm text-ink-soft">
      <Button busy={isPending} onClick={() => mutate()}>
        <Send aria-hidden className="size-4" /> Send it “hello”
      </Button>
      <span role="status">{isSuccess && "Sent: it stands in its chat."}</span>
    </div>
  );
}

/** Turns green when the agent is heard of; for the foot of the dialog, in sight however long the commands are. */
export function Arrival({ id }: { id: string }) {
  const { status, name } = useWorkspace(id) ?? {};
  const there = status === "online" || status === "degraded";
  const Icon = there ? CircleCheck : LoaderCircle;
  return (
    <div role="status" className={classes("flex flex-wrap items-center gap-2 rounded-xl px-4 py-3 text-sm", there ? "bg-good-soft text-good" : "bg-raised text-ink-soft")}>
      <Icon aria-hidden className={classes("size-5", !there && "animate-spin")} />
      <span className="flex-1">{there ? `${name ?? ""} is here.` : "Waiting to hear from it. It may also come later: its post is kept."}</span>
      {there && (
        <Link to={`/w/${id}`} className="font-semibold underline">
          Say hello
        </Link>
      )}
    </div>
  );
}
