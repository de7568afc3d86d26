// Before the first paint, so that no light page flashes in the dark: what the reader chose, else what the system says.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("postroom.theme");
  } catch {
    // Storage may be forbidden: then the system decides.
  }
  const apply = () => {
    document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
  };
  system.addEventListener("change", apply);
  addEventListener("postroom.theme", (event) => {
    chosen = event.detail;
    apply();
  });
  apply();
})();
