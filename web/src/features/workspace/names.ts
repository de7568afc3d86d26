import { useMemo } from "react";
import { useSession } from "@/api/session";
import { useWorkspaces } from "@/api/workspaces";
import type { Names } from "./sentences";

/** What everybody is called on this page. */
export function useNames(): Names {
  const { data: all } = useWorkspaces();
  const { data: me } = useSession();
  return useMemo(() => {
    const names = new Map(all?.map(({ id, name }) => [id, name]));
    const workspace = (id: string | null) => names.get(id ?? "") ?? "a removed agent";
    const kinds: Readonly<Record<string, string>> = { operator: "The operator", person: "Somebody", server: "Postroom" };
    const actor: Names["actor"] = ({ kind, id }) => (id !== null && id === me?.id ? "You" : (kinds[kind] ?? workspace(id)));
    return { workspace, actor };
  }, [all, me]);
}
