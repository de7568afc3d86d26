/** Pieces that a text may be laid out in. Documents have some eighty in a thousand characters; with more than these the page would stand still to be seen. */
const MOST = 3_000;
/** Characters. The longest text that is looked at for structure. */
const LONGEST = 40_000;

/** What may begin or end something. */
const MARKS = /[*_~[\]<>|!&\\@]|[-#`+]+|\d[.)] |www\.|:\/\//g;
/** A line of a table that says how many columns it has. */
const RULER = /^[ \t>:|-]+$/;
/** A line that begins within more than six quotes and lists, or as far to the right as only deep ones do. */
const DEEP = /^(?:[ \t]*(?:>|[*+-][ \t]|\d{1,9}[.)][ \t])){7}|^[ \t>]{64}/m;

/** Whether to look for structure in a text would hold the page up: it is too long, too deep, or little but marks. */
export function isTooMuch(text: string): boolean {
  return text.length > LONGEST || DEEP.test(text) || pieces(text) > MOST;
}

/** As many as there may be: of lines, of marks, and of cells, since each row of a table is filled up to its width. */
function pieces(text: string): number {
  let all = 0;
  let columns = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") columns = 0;
    else if (RULER.test(line)) columns = Math.max(columns, line.split("|").length);
    all += 1 + columns + (line.match(MARKS)?.length ?? 0);
  }
  return all;
}
