import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { sameNames, titlesOf } from "@/api/names";
import { Problem } from "@/api/problem";
import { type CreatedWorkspace, type NewWorkspace, type Workspace, createWorkspace, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Select } from "@/ui/field";
import { Arrival, Connect } from "./connect";

interface Props {
  parent: string | null;
  /** The one that it is to be a second of. */
  like?: Workspace | undefined;
  onClose: () => void;
}

/** Makes a workspace, and says how to connect the agent that it is for. */
export function AddDialog({ parent, like, onClose }: Props) {
  const [made, setMade] = useState<CreatedWorkspace | null>(null);
  return (
    <Dialog
      open
      wide={made !== null}
      foot={made ? <Arrival id={made.id} /> : undefined}
      onClose={onClose}
      title={made ? `Connect ${made.name}` : like ? `Another like ${like.name}` : "Add an agent"}
      {...(made ? {} : { description: "It gets a mailbox, an address and a place in the team. The agent itself can come later." })}
    >
      {made ? <Connect workspace={made} token={made.token} /> : <AddForm parent={parent} like={like} onMade={setMade} />}
    </Dialog>
  );
}

/** "Echo 2", or the next number that is free. */
function anotherName(name: string, taken: ReadonlySet<string>): string {
  const base = name.replace(/ \d+$/, "");
  for (let number = 2; ; number++) if (!taken.has(`${base} ${number}`)) return `${base} ${number}`;
}

function AddForm({ parent, like, onMade }: Omit<Props, "onClose"> & { onMade: (made: CreatedWorkspace) => void }) {
  const { data: all = [] } = useWorkspaces();
  const [given, setGiven] = useState(() => ({
    name: like ? anotherName(like.name, new Set(all.map(({ name }) => name))) : "",
    role: like?.role ?? "",
    parent_id: parent ?? "",
    called: like?.delivery_mode === "push",
    url: like?.url ?? "",
  }));
  const set = (change: Partial<typeof given>) => setGiven((now) => ({ ...now, ...change }));
  const making = useMutation({ mutationFn: (workspace: NewWorkspace) => createWorkspace(workspace), onSuccess: onMade });
  const wrong = refusal(making.error);
  const titles = titlesOf(all);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const { name, role, parent_id, called, url } = given;
    making.mutate({
      name,
      role: role.trim() || null,
      parent_id: parent_id || null,
      delivery_mode: called ? "push" : "poll",
      url: called ? url.trim() || null : null,
      ...(like && { max_concurrent: like.max_concurrent, metadata: like.metadata }),
    });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field label="Name" required hint={sameNames(all, given.name)} maxLength={255} autoFocus autoComplete="off" value={given.name} onChange={(event) => set({ name: event.target.value })} error={wrong("name")} />
      <Field label="Role" hint="What it is there for; the other agents see it." maxLength={1000} value={given.role} onChange={(event) => set({ role: event.target.value })} error={wrong("role")} />
      <Select label="Parent" value={given.parent_id} onChange={(event) => set({ parent_id: event.target.value })} error={wrong("parent_id")}>
        <option value="">None: at the top of the tree</option>
        {all.map(({ id }) => (
          <option key={id} value={id}>
            {titles.get(id)}
          </option>
        ))}
      </Select>
      <Delivery called={given.called} onChange={(called) => set({ called })} />
      {given.called && (
        <Field label="Its address" type="url" hint="Where it speaks A2A. Leave it empty when the agent will announce it." placeholder="http://127.0.0.1:9000/" maxLength={2000} value={given.url} onChange={(event) => set({ url: event.target.value })} error={wrong("url")} />
      )}
      {wrong() && (
        <p role="alert" className="text-sm text-bad">
          {wrong()}
        </p>
      )}
      <Button type="submit" look="primary" className="self-end" busy={making.isPending} disabled={given.name.trim() === ""}>
        Add it
      </Button>
    </form>
  );
}

const FIELDS = ["name", "role", "parent_id", "url"] as const;

/** The server's sentence, at the field that it is about; without a field, where it is about none of these. */
function refusal(error: Error | null) {
  const named = error instanceof Problem && Array.isArray(error.data["fields"]) ? (error.data["fields"] as string[]) : [];
  return (field?: (typeof FIELDS)[number]): string | undefined => {
    const here = field ? named.includes(field) : !FIELDS.some((one) => named.includes(one));
    return here ? error?.message : undefined;
  };
}

const MODES = [
  { called: false, title: "It fetches its post", hint: "From anywhere: it needs no open port." },
  { called: true, title: "It is called", hint: "At an address of its own, over A2A." },
] as const;

function Delivery({ called, onChange }: { called: boolean; onChange: (called: boolean) => void }) {
  return (
    <fieldset className="grid gap-2 sm:grid-cols-2">
      <legend className="mb-1 text-sm font-medium">How its post reaches it</legend>
      {MODES.map((mode) => (
        <label key={mode.title} className="flex cursor-pointer items-start gap-2.5 rounded-xl border border-line p-3 has-checked:border-accent has-checked:bg-accent-soft">
          <input type="radio" name="delivery" className="mt-0.5 accent-accent" checked={called === mode.called} onChange={() => onChange(mode.called)} />
          <span className="text-sm">
            <span className="block font-medium">{mode.title}</span>
            <span className="text-xs text-ink-soft">{mode.hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
