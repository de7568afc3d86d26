import type { Workspace } from "@/api/workspaces";
import type { Report } from "./acts";

/** What is asked of the person in a dialog. */
export type Asked =
  | { about: "add"; parent: string | null; like?: Workspace }
  | { about: "connect"; workspace: Workspace }
  | { about: "move"; workspaces: readonly Workspace[] }
  | { about: "remove"; workspaces: readonly Workspace[] }
  | { about: "report"; report: Report };

export type Ask = (asked: Asked | null) => void;
