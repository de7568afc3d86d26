/** Pairs of marks around words, where markdown would have them. */
const MARKED = /(^|[\s("])(\*\*|~~|`+)(?=\S)(.+?)\2/g;

/** What makes a heading of the beginning. */
const HEADING = /^#{1,6} /;

/** A preview as words: in a line of a list there is neither bold nor code, and no heading. */
export function inWords(preview: string): string {
  return preview.replace(HEADING, "").replace(MARKED, "$1$3");
}
