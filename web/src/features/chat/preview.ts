/** Pairs of marks around words, where markdown would have them. */
const MARKED = /(^|[\s("])(\*\*|~~|`+)(?=\S)(.+?)\2/g;

/** A preview as words: in a line of a list there is neither bold nor code. */
export function inWords(preview: string): string {
  return preview.replace(MARKED, "$1$3");
}
