import { useState } from "react";
import { erase, read, write } from "@/api/storage";

export type Theme = "light" | "dark" | "system";

const KEY = "postroom.theme";

/** Of this browser, not of the person: a phone may be dark and a desk light. public/theme.js applies it. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => (read(KEY) as Theme | null) ?? "system");
  const choose = (next: Theme) => {
    if (next === "system") erase(KEY);
    else write(KEY, next);
    dispatchEvent(new CustomEvent(KEY, { detail: next }));
    setTheme(next);
  };
  return [theme, choose];
}
