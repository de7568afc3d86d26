import { useReactFlow } from "@xyflow/react";
import { useState } from "react";
import { moveAll } from "./acts";
import type { Ask } from "./asked";
import type { CardNode } from "./cards";
import type { Arrangement } from "./kept";
import { type Area, type Place, areaAt } from "./layout";
import { type Tree, topmost } from "./tree";
import { did } from "./undo";

interface Given {
  areas: readonly Area[];
  tree: Tree;
  arrangement: Arrangement;
  ask: Ask;
}

/** Where what is being dragged would move: under whose area that is, null for out of every team. */
export interface Target {
  area: Area | null;
}

/**
 * Dragging: dropped on another's card or into its frame, workspaces move under it; dropped out of every frame, they become roots. Where
 * they are at home already, they only get another place.
 */
export function useDrag({ areas, tree, arrangement: { places, setPlaces }, ask }: Given) {
  const flow = useReactFlow<CardNode>();
  const [target, setTarget] = useState<Target | null>(null);

  const look = (event: Pointing, nodes: readonly CardNode[]) => {
    const { clientX: x, clientY: y } = "changedTouches" in event ? (event.changedTouches[0] ?? { clientX: 0, clientY: 0 }) : event;
    const area = areaAt(areas, flow.screenToFlowPosition({ x, y }), new Set(nodes.map(({ id }) => id))) ?? null;
    const to = area?.team.workspace.id ?? null;
    const movers = topmost(tree, nodes.map(({ id }) => id)).filter(({ parent_id }) => parent_id !== to);
    return { area, to, movers };
  };

  const drag = (event: Pointing, nodes: readonly CardNode[]) => {
    const { area, movers } = look(event, nodes);
    setTarget((now) => (movers.length === 0 ? null : now?.area === area ? now : { area }));
  };

  const drop = (event: Pointing, nodes: readonly CardNode[]) => {
    const { to, movers } = look(event, nodes);
    setTarget(null);
    if (movers.length === 0) {
      place(nodes, ({ position, parentId }) => ({ ...position, team: parentId ?? null }));
      did(() => setPlaces(() => places));
      return;
    }
    if (to === null) place(nodes, ({ id }) => ({ ...positionOf(id), team: null }));
    void moveAll(movers, to).then((report) => report && ask({ about: "report", report }));
  };

  const place = (nodes: readonly CardNode[], at: (node: CardNode) => Place) =>
    setPlaces((now) => ({ ...now, ...Object.fromEntries(nodes.map((node) => [node.id, at(node)])) }));
  const positionOf = (id: string) => flow.getInternalNode(id)?.internals.positionAbsolute ?? { x: 0, y: 0 };

  return { target, drag, drop };
}

type Pointing = Pick<MouseEvent, "clientX" | "clientY"> | Pick<TouchEvent, "changedTouches">;
