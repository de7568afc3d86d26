import { Problem } from "@/api/problem";
import type { Change, Workspace } from "@/api/workspaces";

/** What the form holds: text, as inputs have it. */
export interface Settings {
  name: string;
  role: string;
  parent_id: string;
  delivery_mode: "push" | "poll";
  url: string;
  max_concurrent: string;
}

export type Field = keyof Settings;
export type Faults = Partial<Record<Field, string>>;

export function settingsOf({ name, role, parent_id, delivery_mode, url, max_concurrent }: Workspace): Settings {
  return { name, role: role ?? "", parent_id: parent_id ?? "", delivery_mode, url: url ?? "", max_concurrent: String(max_concurrent) };
}

/** The server counts characters, not the halves of them that JavaScript counts. */
const longer = (text: string, most: number) => Array.from(text).length > most;

/** The server's own rules (docs/http.md, "Workspaces"), so that most faults are seen while one types. */
export function check({ name, role, url, max_concurrent }: Settings): Faults {
  const faults: Faults = {};
  const most = Number(max_concurrent);
  if (!name.trim()) faults.name = "It needs a name.";
  else if (longer(name.trim(), 255)) faults.name = "A name has at most 255 characters.";
  if (longer(role, 1_000)) faults.role = "A role has at most 1,000 characters.";
  if (longer(url, 2_000)) faults.url = "A URL has at most 2,000 characters.";
  if (!/^\d+$/.test(max_concurrent) || most < 1 || most > 64) faults.max_concurrent = "A whole number from 1 to 64.";
  return faults;
}

/** The named fields as the server takes them. */
export function changeOf(settings: Settings, fields: readonly Field[]): Change {
  const { name, role, parent_id, delivery_mode, url, max_concurrent } = settings;
  const all: Required<Pick<Change, Field>> = {
    name: name.trim(),
    role: role.trim() || null,
    parent_id: parent_id || null,
    delivery_mode,
    url: url.trim() || null,
    max_concurrent: Number(max_concurrent),
  };
  return Object.fromEntries(fields.map((field) => [field, all[field]]));
}

/** Which field a refusal without `fields` is about. */
const ABOUT: Readonly<Record<string, Field>> = {
  tree_cycle: "parent_id",
  tree_too_deep: "parent_id",
  unknown_parent: "parent_id",
  address_refused: "url",
  address_unresolved: "url",
  url_missing: "url",
};

/** The server's sentence at each field that it is about; nothing when it is about none. */
export function faultsOf(error: unknown): Faults {
  if (!(error instanceof Problem)) return {};
  const named = Array.isArray(error.data.fields) ? (error.data.fields as unknown[]) : [ABOUT[error.code]];
  return Object.fromEntries(named.filter((field) => typeof field === "string").map((field) => [field, error.message]));
}
