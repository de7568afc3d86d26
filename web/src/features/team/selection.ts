import type { Dispatch, SetStateAction } from "react";

export type Select = Dispatch<SetStateAction<ReadonlySet<string>>>;

/** The same without this one, or with it when it was not in it. */
export function toggled(selected: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}
