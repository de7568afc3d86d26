import { useState } from "react";

export type Theme = "light" | "dark" | "system";

const KEY = "postroom.theme";

/** Of this browser, not of the person: a phone may be dark and a desk light. public/theme.js applies it. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => (localStorage.getItem(KEY) as Theme | null) ?? "system");
  const choose = (next: Theme) => {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
    dispatchEvent(new CustomEvent(KEY, { detail: next }));
    setTheme(next);
  };
  return [theme, choose];
}
