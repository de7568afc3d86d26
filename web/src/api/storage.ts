/** `localStorage`; null where the browser forbids it. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

export function read(name: string): string | null {
  return storage()?.getItem(name) ?? null;
}

/** Where there is no room, nothing stands under the name. */
export function write(name: string, text: string): void {
  erase(name);
  try {
    storage()?.setItem(name, text);
  } catch {
    // Whatever is here is of use, and needed by nobody.
  }
}

export function erase(name: string): void {
  storage()?.removeItem(name);
}

export function names(): string[] {
  return Object.keys(storage() ?? {});
}
