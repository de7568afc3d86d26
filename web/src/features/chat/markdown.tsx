import type { ComponentProps } from "react";
import Markdown, { type Components } from "react-markdown";
import gfm from "remark-gfm";
import { Code } from "@/ui/copy";

/** What strangers write: text only. HTML in it is shown as it stands, and nothing is fetched from anywhere. */
export default function MarkdownText({ text }: { text: string }) {
  return (
    <div className="flex min-w-0 flex-col gap-2 break-words">
      <Markdown remarkPlugins={[gfm]} components={COMPONENTS} urlTransform={safe}>
        {text}
      </Markdown>
    </div>
  );
}

const SCHEMES = /^(https?|mailto):/i;

/** Only where a reader can see where it leads; all else is no link. */
function safe(url: string): string {
  return SCHEMES.test(url) ? url : "";
}

function Link({ href, children }: { href: string | undefined; children: ComponentProps<"a">["children"] }) {
  if (!href) return children;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" className="text-accent underline underline-offset-2">
      {children}
    </a>
  );
}

/** A line end is one: agents and people write lines, not paragraphs. */
const LINES = "whitespace-pre-line";

const COMPONENTS: Components = {
  a: ({ href, children }) => <Link href={href}>{children}</Link>,
  // A picture from elsewhere would tell elsewhere who reads this, and when.
  img: ({ src, alt }) => <Link href={typeof src === "string" ? src : undefined}>{alt || "Picture"}</Link>,
  p: ({ children }) => <p className={LINES}>{children}</p>,
  ul: ({ children }) => <ul className="flex list-disc flex-col gap-0.5 pl-5">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="flex list-decimal flex-col gap-0.5 pl-6">
      {children}
    </ol>
  ),
  blockquote: ({ children }) => <blockquote className="border-l-2 border-line-strong pl-3 text-ink-soft">{children}</blockquote>,
  hr: () => <hr className="border-line" />,
  // A message is no document: its headings are words in bold, and none of the page's.
  h1: Heading,
  h2: Heading,
  h3: Heading,
  h4: Heading,
  h5: Heading,
  h6: Heading,
  code: ({ children }) => <code className="rounded bg-raised px-1 py-0.5 font-mono text-[0.85em]">{children}</code>,
  pre: ({ node }) => <Code text={textOf(node).replace(/\n$/, "")} label="Code" />,
  table: ({ children }) => (
    <div tabIndex={0} role="group" aria-label="Table" className="overflow-x-auto">
      <table className="border-collapse text-sm">{children}</table>
    </div>
  ),
  th: ({ children, style }) => (
    <th style={style} className="border border-line bg-raised px-2 py-1 font-semibold">
      {children}
    </th>
  ),
  td: ({ children, style }) => (
    <td style={style} className="border border-line px-2 py-1">
      {children}
    </td>
  ),
  input: ({ checked }) => <span>{checked ? "☑ " : "☐ "}</span>,
};

function Heading({ children }: Pick<ComponentProps<"p">, "children">) {
  return <p className="font-semibold">{children}</p>;
}

interface Node {
  value?: string;
  children?: readonly unknown[];
}

function textOf(node: Node | undefined): string {
  return node?.value ?? node?.children?.map((child) => textOf(child as Node)).join("") ?? "";
}
