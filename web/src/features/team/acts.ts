import { type Workspace, changeWorkspace, pauseWorkspace, removeWorkspace, workspacesQuery } from "@/api/workspaces";
import { queries } from "@/api/queries";
import { complain, tell } from "@/ui/toast";
import { did } from "./undo";

/** What came of doing the same to several. */
export interface Report {
  /** "Moved", "Paused"… */
  verb: string;
  done: readonly Workspace[];
  refused: readonly Refusal[];
}

interface Refusal {
  workspace: Workspace;
  reason: unknown;
}

/** More at a time would only wait for one another in the server. */
const AT_ONCE = 4;

async function each(verb: string, workspaces: readonly Workspace[], act: (one: Workspace) => Promise<void>): Promise<Report> {
  const waiting = [...workspaces];
  const done: Workspace[] = [];
  const refused: Refusal[] = [];
  const work = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      try {
        await act(one);
        done.push(one);
      } catch (reason) {
        refused.push({ workspace: one, reason });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { verb, done, refused };
}

export function named(workspaces: readonly Workspace[], titles?: ReadonlyMap<string, string>): string {
  const [one] = workspaces;
  return workspaces.length === 1 && one ? (titles?.get(one.id) ?? one.name) : `${workspaces.length} agents`;
}

/** Says what came of it where a line is enough, and returns the rest: several of which some were refused. */
function tellOf(report: Report, undo?: () => Promise<void>, whereto = ""): Report | null {
  const { verb, done, refused } = report;
  const words = `${verb} ${named(done)}${whereto}.`;
  if (undo && done.length > 0) did(undo, refused.length === 0 ? words : undefined);
  else if (refused.length === 0) tell(words);
  if (refused.length === 0) return null;
  if (done.length > 0 || refused.length > 1) return report;
  complain(refused[0]?.reason);
  return null;
}

/** The new place is shown at once, and the old one again when it is refused. */
async function move(one: Workspace, parent: string | null): Promise<void> {
  const show = (to: string | null) =>
    queries.setQueryData(workspacesQuery.queryKey, (all) => all?.map((other) => (other.id === one.id ? { ...other, parent_id: to } : other)));
  await queries.cancelQueries({ queryKey: workspacesQuery.queryKey });
  if (!isAbove(one.id, parent)) show(parent);
  try {
    await changeWorkspace(one.id, { parent_id: parent });
  } catch (error) {
    show(one.parent_id);
    throw error;
  }
}

/** Whether the one stands above the other, or is it: the server refuses to move it there, and a tree with a circle can not be drawn. */
function isAbove(id: string, other: string | null): boolean {
  const all = queries.getQueryData(workspacesQuery.queryKey) ?? [];
  return other !== null && (other === id || isAbove(id, all.find((one) => one.id === other)?.parent_id ?? null));
}

/** Puts them below another workspace, or null: makes roots of them. */
export async function moveAll(workspaces: readonly Workspace[], parent: string | null): Promise<Report | null> {
  const report = await each("Moved", workspaces, (one) => move(one, parent));
  const back = async () => {
    for (const one of report.done) await move({ ...one, parent_id: parent }, one.parent_id);
  };
  const above = queries.getQueryData(workspacesQuery.queryKey)?.find(({ id }) => id === parent);
  return tellOf(report, back, above ? ` below ${above.name}` : " to the top of the tree");
}

export async function pauseAll(workspaces: readonly Workspace[], paused: boolean): Promise<Report | null> {
  const other = workspaces.filter(({ status }) => (status === "paused") !== paused);
  const report = await each(paused ? "Paused" : "Resumed", other, (one) => pauseWorkspace(one.id, paused));
  const back = async () => {
    for (const one of report.done) await pauseWorkspace(one.id, !paused);
  };
  return tellOf(report, back);
}

export async function removeAll(workspaces: readonly Workspace[]): Promise<Report | null> {
  return tellOf(await each("Removed", workspaces, (one) => removeWorkspace(one.id)));
}
