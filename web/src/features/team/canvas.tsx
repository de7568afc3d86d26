import { Background, BackgroundVariant, type InternalNode, Panel, ReactFlow, ReactFlowProvider, ViewportPortal, useReactFlow, useStore, useStoreApi } from "@xyflow/react";
import { Focus, LayoutGrid, ZoomIn, ZoomOut } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { Button, IconButton } from "@/ui/button";
import type { Ask } from "./asked";
import { BoardContext, Card } from "./card";
import { type CardNode, cardsOf, patched } from "./cards";
import { type Target, useDrag } from "./drag";
import { type Arrangement, type View, useView } from "./kept";
import { CARD, layOut } from "./layout";
import type { Line, Traffic } from "./post";
import { ArrowHead, PostEdge, type PostEdgeData } from "./post-edge";
import type { Search } from "./search";
import type { Select } from "./selection";
import { seen } from "./traffic";
import type { Tree } from "./tree";
import { did } from "./undo";
import "@xyflow/react/dist/base.css";
import "./canvas.css";

const CARDS = { card: Card };
const LINES = { post: PostEdge };
const ZOOM = { least: 0.08, most: 1.75, readable: 0.42, found: 0.9 };
const FIT = { padding: 0.12, maxZoom: 1 };
/** Milliseconds. */
const SETTLED = 600;

interface Props {
  tree: Tree;
  unread: ReadonlyMap<string, number>;
  traffic: Traffic;
  arrangement: Arrangement;
  selected: ReadonlySet<string>;
  onSelect: Select;
  search: Search;
  ask: Ask;
}

/** The team as a chart: a card for each workspace, frames around teams, and the post that moves between them. */
export function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Board {...props} />
    </ReactFlowProvider>
  );
}

function Board({ tree, unread, traffic, arrangement, selected, onSelect, search, ask }: Props) {
  const { folded, places, fold } = arrangement;
  const areas = useMemo(() => layOut(tree.roots, folded, places), [tree, folded, places]);
  const cards = useMemo(() => cardsOf(areas, { unread, news: traffic.news, found: search.found }), [areas, unread, traffic.news, search.found]);
  const far = useStore(({ transform }) => transform[2] < ZOOM.readable);
  const board = useMemo(() => ({ fold, far }), [fold, far]);
  const { target, drag, drop } = useDrag({ areas, tree, arrangement, ask });
  const [save, view] = useViewport(areas);
  useCards(cards);
  const lines = useMemo(() => linesOf(seen(traffic.lines, tree, folded), tree), [traffic.lines, tree, folded]);
  useLines(lines);
  const report = useSelected(selected, onSelect);
  useShown(areas, search);
  return (
    <BoardContext value={board}>
      <ReactFlow<CardNode, PostEdgeData>
        aria-label="The team, as a chart"
        nodeTypes={CARDS}
        edgeTypes={LINES}
        defaultNodes={cards}
        defaultEdges={lines}
        {...(view === null ? { fitView: true, fitViewOptions: FIT } : {})}
        minZoom={ZOOM.least}
        maxZoom={ZOOM.most}
        onlyRenderVisibleElements
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        zoomOnDoubleClick={false}
        nodeDragThreshold={4}
        onNodeDrag={(event, _, nodes) => drag(event, nodes)}
        onNodeDragStop={(event, _, nodes) => drop(event, nodes)}
        onSelectionChange={report}
        onMoveEnd={(event) => event && save()}
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1.5} color="var(--line)" />
        <ArrowHead />
        <DropTarget target={target} />
        <Controls arrangement={arrangement} onView={save} />
        <OutOfSight onView={save} />
      </ReactFlow>
    </BoardContext>
  );
}

/** Puts what changed into the chart, and nothing else. */
function useCards(cards: readonly CardNode[]): void {
  const { setNodes } = useReactFlow<CardNode>();
  useEffect(() => setNodes((old) => patched(old, cards)), [cards, setNodes]);
}

/** The post as lines between the cards that are seen. */
function useLines(lines: PostEdgeData[]): void {
  const { setEdges } = useReactFlow<CardNode, PostEdgeData>();
  useEffect(() => setEdges(lines), [lines, setEdges]);
}

function linesOf(lines: readonly Line[], tree: Tree): PostEdgeData[] {
  const name = (id: string) => tree.of.get(id)?.workspace.name ?? "";
  return lines.map((line) => ({
    id: `${line.from} ${line.to}`,
    type: "post",
    source: line.from,
    target: line.to,
    data: { line },
    zIndex: 500,
    selectable: false,
    focusable: false,
    ariaLabel: `${name(line.from)} asks ${name(line.to)}`,
    className: "pointer-events-none",
  }));
}

/** The chart has its own selection; this keeps it the page's. */
function useSelected(selected: ReadonlySet<string>, onSelect: Select) {
  const { setNodes } = useReactFlow<CardNode>();
  const reported = useRef<ReadonlySet<string>>(new Set());
  useLayoutEffect(() => {
    if (selected === reported.current) return;
    reported.current = selected;
    setNodes((cards) => cards.map((card) => ((card.selected ?? false) === selected.has(card.id) ? card : { ...card, selected: selected.has(card.id) })));
  }, [selected, setNodes]);
  return useCallback(
    ({ nodes }: { nodes: CardNode[] }) => {
      const ids = new Set(nodes.map(({ id }) => id));
      if (ids.size === reported.current.size && nodes.every(({ id }) => reported.current.has(id))) return;
      reported.current = ids;
      onSelect(ids);
    },
    [onSelect],
  );
}

function useShown(areas: ReturnType<typeof layOut>, { current }: Search): void {
  const { setCenter } = useReactFlow();
  const area = areas.find(({ team }) => team.workspace.id === current);
  const [x, y] = area ? [area.left + area.card.x + CARD.width / 2, area.top + area.card.y + CARD.height / 2] : [0, 0];
  const there = area !== undefined;
  useEffect(() => {
    if (there) void setCenter(x, y, { zoom: ZOOM.found, duration: pace() });
  }, [there, x, y, setCenter]);
}

/** Keeps what this person looks at, once it stands still, and goes back there. Who never looked elsewhere sees everybody. */
function useViewport({ length: everybody }: readonly unknown[]) {
  const [view, keep] = useView();
  const store = useStoreApi();
  const { setCenter, fitView } = useReactFlow();
  const timer = useRef(0);
  const first = useRef(view);
  useEffect(() => {
    if (first.current) void setCenter(first.current.x, first.current.y, { zoom: first.current.zoom });
  }, [setCenter]);
  const unmoved = view === null;
  useEffect(() => {
    if (unmoved) void fitView({ ...FIT, duration: pace() });
  }, [unmoved, everybody, fitView]);
  const save = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      const { transform, width, height } = store.getState();
      const [left, top, zoom] = transform;
      keep({ x: Math.round((width / 2 - left) / zoom), y: Math.round((height / 2 - top) / zoom), zoom });
    }, SETTLED);
  }, [store, keep]);
  return [save, view ?? null] as const satisfies readonly [() => void, View | null];
}

function DropTarget({ target }: { target: Target | null }) {
  if (!target) return null;
  const { area } = target;
  if (!area) return <Panel position="top-center" className="rounded-full bg-ink px-3 py-1 text-sm text-canvas">Move out of its team</Panel>;
  const { left, top, width, height, team } = area;
  return (
    <ViewportPortal>
      <div style={{ transform: `translate(${left}px, ${top}px)`, width, height }} className="pointer-events-none absolute z-[900] rounded-3xl border-4 border-dashed border-accent bg-accent/10">
        <span className="absolute -bottom-9 left-1/2 -translate-x-1/2 rounded-full bg-ink px-3 py-1 text-sm whitespace-nowrap text-canvas">Move below {team.workspace.name}</span>
      </div>
    </ViewportPortal>
  );
}

function Controls({ arrangement: { places, setPlaces }, onView }: { arrangement: Arrangement; onView: () => void }) {
  const flow = useReactFlow();
  const showAll = useShowAll(onView);
  const tidy = () => {
    setPlaces(() => ({}));
    did(() => setPlaces(() => places), "Everybody is back in line.");
  };
  return (
    <Panel position="bottom-right" className="mb-6! flex flex-col rounded-xl border border-line bg-surface p-0.5 shadow-raised">
      <IconButton label="Zoom in" onClick={() => void flow.zoomIn({ duration: pace() }).then(onView)}>
        <ZoomIn aria-hidden className="size-4" />
      </IconButton>
      <IconButton label="Zoom out" onClick={() => void flow.zoomOut({ duration: pace() }).then(onView)}>
        <ZoomOut aria-hidden className="size-4" />
      </IconButton>
      <IconButton label="Show everybody" onClick={showAll}>
        <Focus aria-hidden className="size-4" />
      </IconButton>
      <IconButton label="Tidy up" disabled={Object.keys(places).length === 0} onClick={tidy}>
        <LayoutGrid aria-hidden className="size-4" />
      </IconButton>
    </Panel>
  );
}

/** The way back for those who have moved the view, or a card with it, away from everybody. */
function OutOfSight({ onView }: { onView: () => void }) {
  const showAll = useShowAll(onView);
  const lost = useStore(({ nodes, nodeLookup, transform: [x, y, zoom], width, height }) => {
    const isSeen = ({ internals: { positionAbsolute: at }, measured }: InternalNode) =>
      at.x * zoom + x < width && at.y * zoom + y < height && (at.x + (measured.width ?? 0)) * zoom + x > 0 && (at.y + (measured.height ?? 0)) * zoom + y > 0;
    return width > 0 && nodes.length > 0 && ![...nodeLookup.values()].some(isSeen);
  });
  if (!lost) return null;
  return (
    <Panel position="top-center" className="flex items-center gap-3 rounded-xl border border-line bg-surface py-1.5 pr-1.5 pl-4 text-sm shadow-raised">
      Nobody is in sight.
      <Button onClick={showAll}>Show the team</Button>
    </Panel>
  );
}

function useShowAll(onView: () => void): () => void {
  const flow = useReactFlow();
  return () => void flow.fitView({ ...FIT, duration: pace() }).then(onView);
}

/** Milliseconds that a movement of the view takes; none for those who asked for that. */
function pace(): number {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300;
}
