import { complain, tell } from "@/ui/toast";

interface Done {
  undo: () => Promise<void> | void;
  /** Takes away the words about it. */
  hush?: () => void;
}

const done: Done[] = [];

/** Something was done that can be taken back: with Ctrl-Z, and where it is worth words, by a button beside them. */
export function did(undo: Done["undo"], words?: string): void {
  const one: Done = { undo };
  done.push(one);
  if (words !== undefined) one.hush = tell(words, { label: "Undo", run: () => void takeBack(one) });
}

export function takeBackLast(): void {
  const last = done.at(-1);
  if (last) void takeBack(last);
}

async function takeBack(one: Done): Promise<void> {
  if (!done.includes(one)) return;
  done.splice(done.indexOf(one), 1);
  one.hush?.();
  try {
    await one.undo();
  } catch (error) {
    complain(error);
  }
}
