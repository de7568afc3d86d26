import { useCallback, useMemo } from "react";
import { usePreference } from "@/api/preferences";
import type { Places } from "./layout";

interface Kept {
  places: Places;
  folded: readonly string[];
}

/** The middle of what is seen, so that it is the same on every screen. */
export interface View {
  x: number;
  y: number;
  zoom: number;
}

const NOTHING: Kept = { places: {}, folded: [] };

/** How this person has arranged the team. */
export function useArrangement() {
  const [kept, keep] = usePreference("canvas", NOTHING);
  const { places, folded } = kept ?? NOTHING;
  const isFolded = useMemo(() => new Set(folded), [folded]);
  const setPlaces = useCallback((change: (now: Places) => Places) => keep((now) => ({ ...now, places: change(now.places) })), [keep]);
  const fold = useCallback(
    (ids: readonly string[], closed: boolean) =>
      keep((now) => ({ ...now, folded: [...now.folded.filter((one) => !ids.includes(one)), ...(closed ? ids : [])] })),
    [keep],
  );
  return { known: kept !== undefined, places, folded: isFolded, setPlaces, fold };
}

export type Arrangement = ReturnType<typeof useArrangement>;

export function useView() {
  return usePreference<View | null>("canvas-view", null);
}
