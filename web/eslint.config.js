import hooks from "eslint-plugin-react-hooks";
import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";

const features = readdirSync(new URL("src/features", import.meta.url));

/** Features meet in src/app only; ui and api know neither app nor features (docs/web.md). */
const closed = (patterns, message) => ({ "no-restricted-imports": ["error", { patterns: [{ group: patterns, message }] }] });

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts", "public", "src/service-worker.js"] },
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  { files: ["*.js", "*.ts"], ...tseslint.configs.disableTypeChecked },
  hooks.configs.flat["recommended-latest"],
  {
    files: ["src/**"],
    rules: {
      "max-lines": ["error", 250],
      complexity: ["error", 12],
      "no-console": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  ...features.map((name) => ({
    files: [`src/features/${name}/**`],
    rules: closed(["@/app/*", "@/features/*", `!@/features/${name}`, `!@/features/${name}/*`], "Features meet in src/app only."),
  })),
  { files: ["src/ui/**"], rules: closed(["@/app/*", "@/features/*", "@/api/*"], "What is in ui knows no data.") },
  { files: ["src/api/**"], rules: closed(["@/app/*", "@/features/*", "@/ui/*"], "What is in api knows no screens.") },
);
