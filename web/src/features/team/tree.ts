import type { Workspace } from "@/api/workspaces";

/** A workspace and the teams of those below it, in the order in which they came. */
export interface Team {
  workspace: Workspace;
  above: Team | null;
  /** 1 for a root. */
  level: number;
  members: readonly Team[];
}

export interface Tree {
  roots: readonly Team[];
  of: ReadonlyMap<string, Team>;
}

interface Growing extends Team {
  above: Growing | null;
  members: Growing[];
}

/** Who stands below whom. One whose parent is not to be seen stands as a root. */
export function treeOf(all: readonly Workspace[]): Tree {
  const of = new Map<string, Growing>(all.map((workspace) => [workspace.id, { workspace, above: null, level: 1, members: [] }]));
  const roots: Growing[] = [];
  for (const team of of.values()) {
    team.above = of.get(team.workspace.parent_id ?? "") ?? null;
    (team.above?.members ?? roots).push(team);
  }
  grow(roots, 1);
  return { roots, of };
}

function grow(teams: readonly Growing[], level: number): void {
  for (const team of teams) {
    team.level = level;
    grow(team.members, level + 1);
  }
}

/** All that hangs below, however deep. */
export function below(team: Team): Team[] {
  return team.members.flatMap((member) => [member, ...below(member)]);
}

/** Those whose teams have to be open for this one to be seen, the nearest first. */
export function path(team: Team): Team[] {
  return team.above ? [team.above, ...path(team.above)] : [];
}

/** What is seen of the tree, from top to bottom, when the teams of `folded` are closed. */
export function open(teams: readonly Team[], folded: ReadonlySet<string>): Team[] {
  return teams.flatMap((team) => [team, ...(folded.has(team.workspace.id) ? [] : open(team.members, folded))]);
}

/** Of these, those that stand below none of the others: moving or removing them takes the rest along. */
export function topmost(tree: Tree, ids: Iterable<string>): Workspace[] {
  const chosen = new Set(ids);
  return Array.from(chosen, (id) => tree.of.get(id))
    .filter((team) => team !== undefined)
    .filter((team) => !path(team).some(({ workspace }) => chosen.has(workspace.id)))
    .map(({ workspace }) => workspace);
}
