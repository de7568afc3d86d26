import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { type Plugin, defineConfig } from "vite";

const server = process.env.POSTROOM_URL ?? "http://127.0.0.1:8080";
const API = ["/workspaces", "/registry", "/chats", "/files", "/dead-letters", "/session", "/sessions", "/login-link", "/events", "/health", "/openapi.json", "/docs", "/static", "/ws"];

/** They keep their names, and index.html waits for the first. */
const PUBLIC = ["theme.js", "icon.svg"];

/** The service worker with the names of what it keeps for the time without a network; other files make it another worker. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => name.startsWith("assets/")).sort();
      const hash = createHash("sha256").update(files.join());
      for (const name of PUBLIC) hash.update(readFileSync(fileURLToPath(new URL(`public/${name}`, import.meta.url))));
      const source = readFileSync(fileURLToPath(new URL("src/service-worker.js", import.meta.url)), "utf8");
      const version = hash.digest("hex").slice(0, 16);
      const kept = `const VERSION = ${JSON.stringify(version)};\nconst FILES = ${JSON.stringify([...PUBLIC, ...files].map((name) => `/${name}`))};\n`;
      this.emitFile({ type: "asset", fileName: "service-worker.js", source: kept + source });
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwind(), serviceWorker()],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  // The server puts a fresh one into every answer (edges/rest/page.py).
  html: { cspNonce: "NONCE" },
  build: { outDir: "../src/postroom/page", emptyOutDir: true, sourcemap: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  // To the server it looks as if its own page were asking: it answers to its own Host and Origin only.
  server: { proxy: Object.fromEntries(API.map((path) => [path, { target: server, changeOrigin: true, headers: { Origin: server }, ws: true }])) },
});
