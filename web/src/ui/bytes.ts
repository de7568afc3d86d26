const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** "1.4 GiB". */
export function inBytes(size: number): string {
  const power = size < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(size) / 10));
  const shown = size / 2 ** (10 * power);
  return `${shown.toFixed(power === 0 || shown >= 100 ? 0 : 1)} ${UNITS[power] ?? ""}`;
}
