import type { Team } from "./tree";

/** Of a workspace's card on the canvas. */
export const CARD = { width: 256, height: 116 };
const GAP = 28;
/** Below a lead: room for the post that moves. */
const FALL = 56;
/** Between the edge of a team and what is in it. */
const EDGE = 20;
/** How much wider than high a team is, roughly. */
const SHAPE = 1.7;

/** Where somebody put a workspace while it stood in this team (null: among the roots); in another team it has another place. */
export interface Place {
  x: number;
  y: number;
  team: string | null;
}

export type Places = Readonly<Record<string, Place>>;

/** What a workspace takes up: its card, or for an open team a frame with the card of its lead and those of its members. */
export interface Area {
  team: Team;
  /** In the frame around it. */
  x: number;
  y: number;
  /** On the canvas. */
  left: number;
  top: number;
  width: number;
  height: number;
  /** Of the card in the area. */
  card: { x: number; y: number };
  framed: boolean;
  /** From the lead to each of its members, as a path in the area; empty where there is nobody to lead to. */
  branches: string;
}

interface Block extends Area {
  inside: Block[];
  /** Where the row and the column begin that it stands in; further down than its row, something stands above it. */
  row: number;
  column: number;
}

/**
 * A tidy place for everybody: members stand in rows below their lead, teams in frames within the frame of the team above; beside a tall
 * one, small ones stand below one another. What somebody put elsewhere stands there, and nothing else gives way. Frames come before what
 * is in them.
 */
export function layOut(roots: readonly Team[], folded: ReadonlySet<string>, places: Places): Area[] {
  const blocks = roots.map((root) => block(root, folded, places));
  shelve(blocks, 0, 0);
  for (const one of blocks) put(one, places, -Infinity, -Infinity);
  return settle(blocks, 0, 0);
}

function block(team: Team, folded: ReadonlySet<string>, places: Places): Block {
  const framed = team.members.length > 0 && !folded.has(team.workspace.id);
  const bare = { team, x: 0, y: 0, row: 0, column: 0, left: 0, top: 0, ...CARD, card: { x: 0, y: 0 }, framed, inside: [], branches: "" };
  if (!framed) return bare;
  const inside = team.members.map((member) => block(member, folded, places));
  const floor = EDGE + CARD.height + FALL;
  shelve(inside, EDGE, floor);
  for (const one of inside) put(one, places, EDGE, floor);
  const width = EDGE + Math.max(CARD.width + EDGE, ...inside.map((one) => one.x + one.width));
  const height = EDGE + Math.max(...inside.map((one) => one.y + one.height));
  const card = { x: (width - CARD.width) / 2, y: EDGE };
  return { ...bare, width, height, card, inside, branches: inside.map((one) => branch(card, floor, one)).join(" ") };
}

/** From a lead down to a member: into a lower row along the edge of the team, and below another one along the edge of their column. */
function branch(lead: { x: number; y: number }, floor: number, { x, y, row, column, card }: Block): string {
  const way = [`M ${lead.x + CARD.width / 2} ${lead.y + CARD.height} V ${floor - GAP / 2}`];
  if (row > floor) way.push(`H ${EDGE / 2} V ${row - GAP / 2}`);
  if (y > row) way.push(`H ${Math.max(column - GAP / 2, EDGE / 2)} V ${y - GAP / 2}`);
  return `${way.join(" ")} H ${x + card.x + CARD.width / 2} V ${y + card.y}`;
}

/** In rows, the tallest first, as wide as lets the whole be seen largest in a window of that shape; three teams, or five that have none, stand side by side. */
function shelve(blocks: readonly Block[], left: number, top: number): void {
  const tallest = blocks.toSorted((one, other) => other.height - one.height);
  const least = blocks.some(({ framed }) => framed) ? 3 : 5;
  const most = least + 2 * Math.ceil(Math.sqrt(blocks.length));
  const rooms = Array.from({ length: most - least + 1 }, (_, more) => tallest.slice(0, least + more).reduce((sum, { width }) => sum + width + GAP, 0));
  const size = (room: number) => {
    const { width, height } = fill(tallest, room, left, top);
    return Math.max(width / SHAPE, height);
  };
  const [best = 0] = rooms.map((room) => ({ room, size: size(room) })).sort((one, other) => one.size - other.size).map(({ room }) => room);
  fill(tallest, best, left, top);
}

/** A column of a row: as wide as what stands on top, and below that in levels what finds room. */
interface Column {
  x: number;
  width: number;
  /** Of the lowest level: where it begins, how high it is, and where the next one would stand in it. */
  y: number;
  height: number;
  next: number;
}

/** Puts them, the tallest first, into rows of at most this width, or of one that is wider. */
function fill(blocks: readonly Block[], room: number, left: number, top: number): { width: number; height: number } {
  let [row, height, end, right] = [top, 0, left, left];
  let column: Column | null = null;
  for (const one of blocks) {
    if (column === null || !finds(column, one, row + height)) {
      if (end > left && end + one.width + GAP > left + room) [row, height, end] = [row + height + GAP, 0, left];
      column = { x: end, width: one.width, y: row, height: one.height, next: end };
      end += one.width + GAP;
      height = Math.max(height, one.height);
    }
    [one.x, one.y, one.row, one.column] = [column.next, column.y, row, column.x];
    column.next += one.width + GAP;
    right = Math.max(right, end);
  }
  return { width: right - left, height: row + height - top };
}

/** Whether it fits beside what stands in the lowest level, or below that, where a level begins for it. */
function finds(column: Column, { width, height }: Block, floor: number): boolean {
  if (column.next + width <= column.x + column.width) return true;
  const y = column.y + column.height + GAP;
  if (width > column.width || y + height > floor) return false;
  [column.y, column.height, column.next] = [y, height, column.x];
  return true;
}

/** Where somebody wants it, but not over the lead or out of its frame. */
function put(one: Block, places: Places, least: number, floor: number): void {
  const place = places[one.team.workspace.id];
  if (place?.team !== (one.team.above?.workspace.id ?? null)) return;
  [one.x, one.y] = [Math.max(place.x, least), Math.max(place.y, floor)];
  [one.row, one.column] = [one.y, one.x];
}

function settle(blocks: readonly Block[], left: number, top: number): Area[] {
  return blocks.flatMap(({ inside, ...area }) => {
    const settled = { ...area, left: left + area.x, top: top + area.y };
    return [settled, ...settle(inside, settled.left, settled.top)];
  });
}

/** The innermost area at a point, but for those of `taken` and what is in them. */
export function areaAt(areas: readonly Area[], point: { x: number; y: number }, taken: ReadonlySet<string>): Area | undefined {
  const carried = (team: Team | null): boolean => team !== null && (taken.has(team.workspace.id) || carried(team.above));
  return areas.findLast(
    ({ team, left, top, width, height }) => point.x >= left && point.x <= left + width && point.y >= top && point.y <= top + height && !carried(team),
  );
}
