import { type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import { memo, useContext } from "react";
import { classes } from "@/ui/classes";
import { lasting, useNow } from "@/ui/time";
import { BoardContext } from "./card";
import { CARD } from "./layout";
import type { Line } from "./post";

export type PostEdgeData = Edge<{ line: Line }, "post">;

/** Pixels; and how many times larger all is drawn for those who are far away. */
const WIDTH = 2.5;
const FAR = 2.5;

/** The post between two workspaces, from card to card. A dot travels along it for each that moves. */
export const PostEdge = memo(function PostEdge({ sourceX, sourceY, targetX, targetY, data }: EdgeProps<PostEdgeData>) {
  const { far } = useContext(BoardContext);
  if (!data) return null;
  const { line } = data;
  const size = far ? FAR : 1;
  const { curve, back, middle } = curveOf({ x: sourceX, y: sourceY }, { x: targetX, y: targetY });
  return (
    <>
      <path d={curve} markerEnd="url(#post-arrow)" strokeWidth={WIDTH * size} className={classes("post-line", line.open > 0 ? "post-open" : "post-ended")} />
      {line.moves > 0 && <circle key={line.moves} r={6 * size} className="post-dot" style={{ offsetPath: `path("${line.back ? back : curve}")` }} />}
      {line.since !== null && (
        <EdgeLabelRenderer>
          <div
            style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y}px) scale(${size})` }}
            className="pointer-events-none absolute z-[600] rounded-full border border-accent bg-surface px-2 py-0.5 text-xs font-medium"
          >
            {line.open > 1 && `${line.open} · `}
            <Since at={line.since} />
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

function Since({ at }: { at: string }) {
  return <span className="tabular-nums">{lasting(useNow() - new Date(at).getTime())}</span>;
}

interface Point {
  x: number;
  y: number;
}

/** Pixels between a card and a line. */
const AIR = 6;

/** Bent a little, so that what goes there and what comes back are two lines. */
function curveOf(from: Point, to: Point): { curve: string; back: string; middle: Point } {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const bend = 0.12;
  const handle = { x: (from.x + to.x) / 2 - dy * bend, y: (from.y + to.y) / 2 + dx * bend };
  const [start, end] = [rim(from, handle), rim(to, handle)];
  const middle = { x: (start.x + 2 * handle.x + end.x) / 4, y: (start.y + 2 * handle.y + end.y) / 4 };
  return {
    curve: `M ${start.x} ${start.y} Q ${handle.x} ${handle.y} ${end.x} ${end.y}`,
    back: `M ${end.x} ${end.y} Q ${handle.x} ${handle.y} ${start.x} ${start.y}`,
    middle,
  };
}

/** Where the way from the middle of a card to a point leaves the card. */
function rim(centre: Point, towards: Point): Point {
  const [dx, dy] = [towards.x - centre.x, towards.y - centre.y];
  const share = Math.min((CARD.width / 2 + AIR) / Math.abs(dx), (CARD.height / 2 + AIR) / Math.abs(dy));
  return Number.isFinite(share) ? { x: centre.x + dx * share, y: centre.y + dy * share } : centre;
}

/** The head of each arrow. */
export function ArrowHead() {
  return (
    <svg aria-hidden className="absolute size-0">
      <defs>
        <marker id="post-arrow" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="5" markerHeight="5" orient="auto-start-reverse">
          <path d="M 0 0 L 10 5 L 0 10 z" fill="var(--accent)" />
        </marker>
      </defs>
    </svg>
  );
}
