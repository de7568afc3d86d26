import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { api, data } from "@/api/client";
import { type Line, Post, type Traffic } from "./post";
import { type Tree, path } from "./tree";

/** What agents had asked of one another before the feed began. */
const openQuery = queryOptions({
  queryKey: ["open-post"],
  // Each answer counts, also when it is the same as the last.
  structuralSharing: false,
  queryFn: () => data(api.GET("/delegations")),
});

export function useTraffic(): Traffic {
  const [post] = useState(() => new Post());
  const { data: before } = useQuery(openQuery);
  useEffect(() => {
    if (before) post.know(before);
  }, [post, before]);
  return useSyncExternalStore(post.watch, post.look);
}

/** The lines as they are seen: one into a closed team ends at its lead, and several there are one. */
export function seen(lines: readonly Line[], tree: Tree, folded: ReadonlySet<string>): Line[] {
  const merged = new Map<string, Line>();
  for (const line of lines) {
    const [from, to] = [standsFor(line.from, tree, folded), standsFor(line.to, tree, folded)];
    if (from === undefined || to === undefined || from === to) continue;
    const other = merged.get(`${from} ${to}`);
    merged.set(`${from} ${to}`, other ? join(other, line) : { ...line, from, to });
  }
  return [...merged.values()];
}

function standsFor(id: string, tree: Tree, folded: ReadonlySet<string>): string | undefined {
  const team = tree.of.get(id);
  return team && (path(team).findLast(({ workspace }) => folded.has(workspace.id)) ?? team).workspace.id;
}

function join(one: Line, other: Line): Line {
  const since = [one.since, other.since].filter((at) => at !== null).sort()[0] ?? null;
  return { ...one, open: one.open + other.open, since, moves: one.moves + other.moves, back: other.back };
}
