import { useCallback, useMemo } from "react";
import { usePreference } from "@/api/preferences";
import { useNarrow } from "@/ui/screen";
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

export interface Arrangement {
  places: Places;
  folded: ReadonlySet<string>;
  setPlaces: (change: (now: Places) => Places) => void;
  fold: (ids: readonly string[], closed: boolean) => void;
}

/** How this person has arranged the team; null while that is not known. */
export function useArrangement(): Arrangement | null {
  const [kept, keep] = usePreference("canvas", NOTHING);
  const { places, folded } = kept ?? NOTHING;
  const closed = useMemo(() => new Set(folded), [folded]);
  const setPlaces = useCallback((change: (now: Places) => Places) => keep((now) => ({ ...now, places: change(now.places) })), [keep]);
  const fold = useCallback(
    (ids: readonly string[], close: boolean) => keep((now) => ({ ...now, folded: [...now.folded.filter((one) => !ids.includes(one)), ...(close ? ids : [])] })),
    [keep],
  );
  return kept ? { places, folded: closed, setPlaces, fold } : null;
}

/** Of phones and of desks: what fits one is nothing to the other. */
export function useView() {
  return usePreference<View | null>(useNarrow() ? "canvas-view-narrow" : "canvas-view", null);
}
