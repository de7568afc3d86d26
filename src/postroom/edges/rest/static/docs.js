// Shows the OpenAPI document: every call, its fields and its answers. No library from elsewhere, so it works without the internet.

const METHODS = ["get", "post", "patch", "put", "delete"];

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

function classed(className, tag, ...children) {
  const made = element(tag, ...children);
  made.className = className;
  return made;
}

/** What of Markdown the descriptions use: names between backticks. */
function prose(text) {
  return text.split("`").map((piece, place) => (place % 2 ? element("code", piece) : piece));
}

function resolve(document_, schema) {
  if (!schema?.$ref) return schema ?? {};
  return document_.components.schemas[schema.$ref.split("/").pop()];
}

function typeOf(document_, schema) {
  if (schema?.$ref) return schema.$ref.split("/").pop();
  if (schema?.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema?.anyOf) return schema.anyOf.map((one) => typeOf(document_, one)).join(" | ");
  if (schema?.type === "array") return `[${typeOf(document_, schema.items)}]`;
  return [schema?.type, schema?.format].filter(Boolean).join(" ") || "any";
}

function fields(document_, title, entries) {
  if (!entries.length) return [];
  const list = element("ul", ...entries.map(([name, type, note]) =>
    element("li", element("code", name), ` ${type}${note ? " — " : ""}`, ...prose(note))));
  return [element("strong", title), list];
}

function members(document_, content) {
  const given = Object.values(content ?? {})[0]?.schema;
  const schema = resolve(document_, given?.items ?? given);
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, one]) => [
    name, typeOf(document_, one), [required.has(name) ? "required" : "", one.description].filter(Boolean).join(", ")]);
}

function call(document_, path, method, operation) {
  const parameters = (operation.parameters ?? []).map((one) => [
    one.name, typeOf(document_, one.schema), [one.in, one.required ? "required" : "", one.description].filter(Boolean).join(", ")]);
  const answers = Object.entries(operation.responses ?? {}).filter(([status]) => status !== "default");
  return classed("call", "details",
    element("summary", classed("method", "span", method.toUpperCase()), element("code", path), ` ${operation.summary ?? ""}`),
    ...(operation.description ?? "").split("\n\n").map((one) => element("p", ...prose(one))),
    ...fields(document_, "Parameters", parameters),
    ...fields(document_, "Body", members(document_, operation.requestBody?.content)),
    ...answers.flatMap(([status, answer]) => fields(document_, `Answer ${status}`, members(document_, answer.content))));
}

function grouped(document_) {
  const groups = new Map();
  for (const [path, item] of Object.entries(document_.paths))
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags?.[0] ?? "Other";
      groups.set(tag, [...(groups.get(tag) ?? []), call(document_, path, method, item[method])]);
    }
  return groups;
}

async function start() {
  const answer = await fetch("/openapi.json");
  const document_ = await answer.json();
  const main = document.getElementById("calls");
  if (!answer.ok) {
    main.replaceChildren(element("p", document_.error));
    return;
  }
  main.replaceChildren(...[...grouped(document_)].map(([tag, calls]) => element("section", element("h2", tag), ...calls)));
}

start();
