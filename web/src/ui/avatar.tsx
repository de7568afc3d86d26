import { classes } from "./classes";

/** Hues that a white letter can be read on. */
const HUES = ["bg-[#8c3a2b]", "bg-[#7a5a12]", "bg-[#2f6b46]", "bg-[#23647d]", "bg-[#4a56a6]", "bg-[#7b4a94]", "bg-[#93406b]", "bg-[#5f6368]"];

const LETTERS = new Intl.Segmenter();

/** The first letter of a name on a colour that stays the same for it. */
export function Avatar({ name, small = false }: { name: string; small?: boolean }) {
  const sum = Array.from(name).reduce((total, letter) => (total * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 7);
  return (
    <span
      aria-hidden
      className={classes(
        "inline-flex shrink-0 items-center justify-center rounded-xl font-semibold text-white select-none",
        small ? "size-7 text-xs" : "size-10 text-base",
        HUES[sum % HUES.length],
      )}
    >
      {(LETTERS.segment(name.trim())[Symbol.iterator]().next().value?.segment ?? "?").toUpperCase()}
    </span>
  );
}
