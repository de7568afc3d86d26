/**
 * Some phones lay their keyboard over the page (others make the page smaller, as index.html asks): then the page is as high as what of it is
 * to be seen.
 */
export function stayAboveKeyboard(): void {
  const { visualViewport: seen } = window;
  if (!seen) return;
  seen.addEventListener("resize", () => {
    // Zoomed in with two fingers there is less to be seen, too.
    const covered = Math.abs(seen.scale - 1) < 0.01 && innerHeight - seen.height > 1;
    document.documentElement.style.setProperty("--seen", covered ? `${seen.height}px` : "100dvh");
    if (covered) scrollTo(0, 0);
  });
}
