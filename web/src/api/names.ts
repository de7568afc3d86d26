import type { Workspace } from "./workspaces";

/** As in the lists of the commands, to which it is a name, too (src/postroom/cli/names.py). */
const SHORT_ID = 8;

/** Commands find a name regardless of its case. */
const folded = (name: string) => name.trim().toLowerCase();

/** What each is called, by its id: its name; beside others of the same name, with its place in the tree; beside these at the same place, with its id. */
export function titlesOf(all: readonly Workspace[]): ReadonlyMap<string, string> {
  const names = new Map(all.map(({ id, name }) => [id, name]));
  const placed = told(all, ({ name }) => name, (one) => `${one.name}, ${placeOf(one, names)}`);
  return told(all, ({ id }) => placed.get(id) ?? "", ({ id }) => `${placed.get(id) ?? ""} (${id.slice(-SHORT_ID)})`);
}

type Way = (one: Workspace) => string;

/** In the short way, where that is the same for others in the long one. */
function told(all: readonly Workspace[], short: Way, long: Way): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(folded(short(one)), (counts.get(folded(short(one))) ?? 0) + 1);
  return new Map(all.map((one) => [one.id, counts.get(folded(short(one))) === 1 ? short(one) : long(one)]));
}

function placeOf({ parent_id }: Workspace, names: ReadonlyMap<string, string>): string {
  return parent_id === null ? "at the top of the tree" : `below ${names.get(parent_id) ?? "another"}`;
}

/** To be said before one is called so: no mistake, but those who name it will be asked which one they mean. */
export function sameNames(all: readonly Workspace[], name: string): string | undefined {
  const [one, ...others] = all.filter((other) => folded(other.name) === folded(name));
  if (!one) return undefined;
  const there = others.length > 0 ? `There are ${others.length + 1} of this name already` : `There is an agent ${one.name} already, ${placeOf(one, new Map(all.map((other) => [other.id, other.name])))}`;
  return `${there}: commands that name it will have to say which.`;
}
