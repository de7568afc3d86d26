import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { sameNames, titlesOf } from "@/api/names";
import { type Workspace, below, changeWorkspace, useWorkspaces } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Field, Select, TextArea } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { tell } from "@/ui/toast";
import { Leaving } from "./leaving";
import { type Field as Name, type Settings, changeOf, check, faultsOf, settingsOf } from "./settings";

/** What was changed here lies over what the server has; what others change meanwhile shows where nothing was. */
function useSettings(workspace: Workspace) {
  const kept = settingsOf(workspace);
  const [edits, setEdits] = useState<Partial<Settings>>({});
  const settings = { ...kept, ...edits };
  const changed = (Object.keys(edits) as Name[]).filter((name) => edits[name] !== kept[name]);
  const saving = useMutation({
    mutationFn: () => changeWorkspace(workspace.id, changeOf(settings, changed)),
    onSuccess: () => {
      setEdits({});
      tell("Saved.");
    },
  });
  const edit = (some: Partial<Settings>) => {
    saving.reset();
    setEdits((now) => ({ ...now, ...some }));
  };
  const undo = () => {
    saving.reset();
    setEdits({});
  };
  return { settings, changed, edit, undo, saving };
}

export function SettingsForm({ workspace }: { workspace: Workspace }) {
  const { settings, changed, edit, undo, saving } = useSettings(workspace);
  const { data: all = [] } = useWorkspaces();
  const others = all.filter(({ id }) => id !== workspace.id);
  const dirty = changed.length > 0;
  const own = check(settings);
  const faults = { ...faultsOf(saving.error), ...own };
  const elsewhere = saving.error && Object.keys(faultsOf(saving.error)).length === 0 ? saving.error.message : null;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (dirty && Object.keys(own).length === 0) saving.mutate();
  };
  return (
    <Panel title="Settings">
      <form onSubmit={submit} noValidate className="flex max-w-xl flex-col gap-4">
        <Field label="Name" hint={changed.includes("name") ? sameNames(others, settings.name) : undefined} value={settings.name} error={faults.name} onChange={(event) => edit({ name: event.target.value })} />
        <TextArea label="Role" hint="In a sentence: what it does. Others see it when they look for somebody to ask." rows={2} value={settings.role} error={faults.role} onChange={(event) => edit({ role: event.target.value })} />
        <Parent workspace={workspace} value={settings.parent_id} error={faults.parent_id} onChange={(parent_id) => edit({ parent_id })} />
        <Select label="How its post gets to it" value={settings.delivery_mode} error={faults.delivery_mode} onChange={(event) => edit({ delivery_mode: event.target.value as Settings["delivery_mode"] })}>
          <option value="poll">It fetches its post</option>
          <option value="push">It is called at its URL</option>
        </Select>
        {(settings.delivery_mode === "push" || settings.url) && (
          <Field label="URL" hint={settings.url ? "Where its A2A server listens." : "Where its A2A server listens. Without one its post waits."} type="url" placeholder="https://…" value={settings.url} error={faults.url} onChange={(event) => edit({ url: event.target.value })} />
        )}
        <Field
          label="How many at once"
          hint="Messages that it works on side by side, 1 to 64."
          type="number"
          min={1}
          max={64}
          className="max-w-32"
          value={settings.max_concurrent}
          error={faults.max_concurrent}
          onChange={(event) => edit({ max_concurrent: event.target.value })}
        />
        {elsewhere !== null && (
          <p role="alert" className="text-sm text-bad">
            {elsewhere}
          </p>
        )}
        <div className="flex flex-wrap gap-2">
          <Button type="submit" look="primary" busy={saving.isPending} disabled={!dirty || Object.keys(own).length > 0}>
            Save
          </Button>
          {dirty && <Button onClick={undo}>Undo the changes</Button>}
        </div>
      </form>
      <Leaving dirty={dirty && !saving.isPending} />
    </Panel>
  );
}

interface ParentProps {
  workspace: Workspace;
  value: string;
  error: string | undefined;
  onChange: (parent: string) => void;
}

/** All but itself and what is below it: nobody hangs below itself. */
function Parent({ workspace: { id }, value, error, onChange }: ParentProps) {
  const { data: all = [] } = useWorkspaces();
  const impossible = new Set([id, ...below(all, id).map((one) => one.id)]);
  const titles = titlesOf(all);
  const possible = all.filter((one) => !impossible.has(one.id)).sort((one, other) => one.name.localeCompare(other.name));
  return (
    <Select label="Parent" hint="It may talk to those beside it, above it and below it." value={value} error={error} onChange={(event) => onChange(event.target.value)}>
      <option value="">None: at the top of the tree</option>
      {possible.map((one) => (
        <option key={one.id} value={one.id}>
          {titles.get(one.id)}
        </option>
      ))}
    </Select>
  );
}
