import type { Node } from "@xyflow/react";
import { Position } from "@xyflow/react";
import type { Workspace } from "@/api/workspaces";
import { type Area, CARD } from "./layout";
import { below } from "./tree";

/** What a card shows. Compared field by field, so that only what changed is drawn anew. */
export interface CardData extends Record<string, unknown> {
  workspace: Workspace;
  unread: number;
  /** What it last said about what it has in its hands. */
  news: string | undefined;
  /** How many hang below. */
  team: number;
  folded: boolean;
  left: number;
  top: number;
  branches: string;
  /** Whether it is what is searched for; undefined when nothing is. */
  found: boolean | undefined;
}

export type CardNode = Node<CardData, "card">;

interface Shown {
  unread: ReadonlyMap<string, number>;
  news: ReadonlyMap<string, string>;
  found: ReadonlySet<string> | null;
}

export function cardsOf(areas: readonly Area[], { unread, news, found }: Shown): CardNode[] {
  return areas.map(({ team, x, y, width, height, card, framed, branches }) => {
    const { workspace, above, members } = team;
    const centre = { x: card.x + CARD.width / 2, y: card.y + CARD.height / 2, width: 1, height: 1, position: Position.Bottom };
    return {
      id: workspace.id,
      type: "card",
      position: { x, y },
      width,
      height,
      // Those that are out of sight are not drawn, and count all the same.
      measured: { width, height },
      ...(above && { parentId: above.workspace.id }),
      dragHandle: ".card",
      // What lies in a frame is reached through it.
      style: { pointerEvents: "none" },
      // For those that were never drawn.
      handles: [
        { ...centre, type: "source" },
        { ...centre, type: "target" },
      ],
      data: {
        workspace,
        unread: unread.get(workspace.id) ?? 0,
        news: news.get(workspace.id),
        team: below(team).length,
        folded: members.length > 0 && !framed,
        left: card.x,
        top: card.y,
        branches,
        found: found?.has(workspace.id),
      },
    };
  });
}

/** The new cards; of those that did not change the old ones, which need no drawing. One that is being dragged stays in the hand. */
export function patched(old: readonly CardNode[], next: readonly CardNode[]): CardNode[] {
  const known = new Map(old.map((one) => [one.id, one]));
  return next.map((one) => {
    const before = known.get(one.id);
    if (!before) return one;
    const after = { ...before, ...one, ...(before.dragging && { position: before.position }) };
    if (!one.parentId) delete after.parentId;
    return isSame(before, after) ? before : after;
  });
}

function isSame(one: CardNode, other: CardNode): boolean {
  const place = ({ position: { x, y }, width, height, parentId }: CardNode) => [x, y, width, height, parentId].join();
  return place(one) === place(other) && Object.entries(one.data).every(([name, value]) => value === other.data[name]);
}
