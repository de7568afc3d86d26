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
}

interface Block extends Area {
  inside: Block[];
}

/**
 * A tidy place for everybody: members stand in rows below their lead, teams in frames within the frame of the team above. What somebody
 * put elsewhere stands there, and nothing else gives way. Frames come before what is in them.
 */
export function layOut(roots: readonly Team[], folded: ReadonlySet<string>, places: Places): Area[] {
  const blocks = roots.map((root) => block(root, folded, places));
  shelve(blocks, 0, 0);
  for (const one of blocks) put(one, places, -Infinity, -Infinity);
  return settle(blocks, 0, 0);
}

function block(team: Team, folded: ReadonlySet<string>, places: Places): Block {
  const framed = team.members.length > 0 && !folded.has(team.workspace.id);
  const bare = { team, x: 0, y: 0, left: 0, top: 0, ...CARD, card: { x: 0, y: 0 }, framed, inside: [] };
  if (!framed) return bare;
  const inside = team.members.map((member) => block(member, folded, places));
  // Rows are even when those without a team of their own stand first.
  const rows = [...inside.filter((one) => !one.framed), ...inside.filter((one) => one.framed)];
  const floor = EDGE + CARD.height + FALL;
  shelve(rows, EDGE, floor);
  for (const one of inside) put(one, places, EDGE, floor);
  const width = EDGE + Math.max(CARD.width + EDGE, ...inside.map((one) => one.x + one.width));
  const height = EDGE + Math.max(...inside.map((one) => one.y + one.height));
  return { ...bare, width, height, card: { x: (width - CARD.width) / 2, y: EDGE }, inside };
}

/** One after the other, row below row, in as many columns as bring the whole nearest to its shape; three stand side by side. */
function shelve(blocks: readonly Block[], left: number, top: number): void {
  const [least, most] = [3, 3 + 2 * Math.ceil(Math.sqrt(blocks.length))];
  const rooms = Array.from({ length: most - least + 1 }, (_, more) => blocks.slice(0, least + more).reduce((sum, { width }) => sum + width + GAP, 0));
  const misfit = (room: number) => {
    const { width, height } = fill(blocks, room, left, top);
    return Math.abs(Math.log(width / height / SHAPE));
  };
  const [best = 0] = rooms.map((room) => ({ room, by: misfit(room) })).sort((one, other) => one.by - other.by).map(({ room }) => room);
  fill(blocks, best, left, top);
}

/** Puts them into rows of at most this width, or of one that is wider. */
function fill(blocks: readonly Block[], room: number, left: number, top: number): { width: number; height: number } {
  let [x, y, tallest, width] = [0, 0, 0, 0];
  for (const one of blocks) {
    if (x > 0 && x + one.width + GAP > room) [x, y, tallest] = [0, y + tallest + GAP, 0];
    [one.x, one.y] = [left + x, top + y];
    x += one.width + GAP;
    width = Math.max(width, x);
    tallest = Math.max(tallest, one.height);
  }
  return { width, height: y + tallest };
}

/** Where somebody wants it, but not over the lead or out of its frame. */
function put(one: Block, places: Places, least: number, floor: number): void {
  const place = places[one.team.workspace.id];
  if (place?.team !== (one.team.above?.workspace.id ?? null)) return;
  [one.x, one.y] = [Math.max(place.x, least), Math.max(place.y, floor)];
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
