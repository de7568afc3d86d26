import { titlesOf } from "@/api/names";
import { type Workspace, useWorkspaces } from "@/api/workspaces";
import { Select } from "@/ui/field";
import type { Wanted } from "./activity-rows";
import { EVENTS } from "./sentences";

const FAMILIES: Readonly<Record<string, string>> = {
  message: "Messages",
  notice: "Notices",
  mailbox: "Reading",
  dead_letter: "Dead letters",
  workspace: "The agent itself",
};

const SOURCES: Readonly<Record<string, string>> = { operator: "The operator", person: "People", workspace: "Agents", server: "Postroom" };

interface Props {
  workspace: Workspace;
  wanted: Wanted;
  onWant: (some: Partial<Wanted>) => void;
}

/** What of the activity is looked at. */
export function ActivityFilters({ workspace, wanted, onWant }: Props) {
  const { data: all = [] } = useWorkspaces();
  const titles = titlesOf(all);
  return (
    <div role="group" aria-label="Filters" className="grid grid-cols-2 gap-2 border-b border-line px-4 py-3 *:first:col-span-2 sm:grid-cols-3 sm:*:first:col-span-1 md:px-6">
      <Select bare label="What happened" value={wanted.type} onChange={(event) => onWant({ type: event.target.value })}>
        <option value="">All that happens</option>
        {Object.entries(FAMILIES).map(([family, label]) => (
          <optgroup key={family} label={label}>
            <option value={family}>{label}: all</option>
            {EVENTS.filter((name) => name.startsWith(`${family}.`)).map((name) => (
              <option key={name} value={name}>
                {name.slice(family.length + 1).replaceAll("_", " ")}
              </option>
            ))}
          </optgroup>
        ))}
      </Select>
      <Select bare label="Who did it" value={wanted.source} onChange={(event) => onWant({ source: event.target.value })}>
        <option value="">By anybody</option>
        {Object.entries(SOURCES).map(([kind, label]) => (
          <option key={kind} value={kind}>
            {label}
          </option>
        ))}
      </Select>
      <Select bare label="With whom" value={wanted.peer} onChange={(event) => onWant({ peer: event.target.value })}>
        <option value="">With anybody</option>
        {all
          .filter(({ id }) => id !== workspace.id)
          .map(({ id }) => (
            <option key={id} value={id}>
              {titles.get(id)}
            </option>
          ))}
      </Select>
    </div>
  );
}
