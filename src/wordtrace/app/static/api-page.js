// The page /api: what programs can ask, from the server's own description.
import { get } from "./api.js";
import { begin, TokenWanted } from "./session.js";
import { html, render } from "./vendor/preact.js";

/** A schema's type in words. */
function typeOf(schema, known) {
  if (!schema) return "anything";
  if (schema.$ref) return typeOf(known[schema.$ref.split("/").pop()], known);
  if (schema.anyOf) {
    // What may be left out may be null, too: that goes without saying.
    const kinds = schema.anyOf.filter((one) => one.type !== "null").map((one) => typeOf(one, known));
    return [...new Set(kinds)].join(" or ");
  }
  if (schema.prefixItems) return `[${schema.prefixItems.map((one) => typeOf(one, known)).join(", ")}]`;
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") {
    const inner = typeOf(schema.items, known);
    return `list of ${inner.includes(" or ") ? `(${inner})` : inner}`;
  }
  return { string: "text", integer: "whole number", boolean: "true or false", object: "object" }[schema.type]
    ?? schema.type ?? "anything";
}

const isEmpty = (value) => typeof value === "object" && Object.keys(value).length === 0;

/** A sentence of the description; what stands between backticks is code. */
const sentence = (text) => text.split("`").map((part, place) => (place % 2 ? html`<code>${part}</code>` : part));

/** What a value may be beyond its type: its bounds, and what it is when it is left out. */
function rest(schema) {
  const bounds = [schema, ...(schema.anyOf ?? [])].find((one) => one.minimum !== undefined || one.maximum !== undefined);
  const found = [];
  if (bounds?.minimum !== undefined) found.push(`from ${bounds.minimum}`);
  if (bounds?.maximum !== undefined) found.push(`to ${bounds.maximum.toLocaleString("en")}`);
  if (schema.default !== undefined && schema.default !== null && !isEmpty(schema.default)) found.push(`${JSON.stringify(schema.default)} by default`);
  return found.join(", ");
}

function Values({ title, values, known }) {
  return html`
    <table>
      <caption>${title}</caption>
      <tbody>${values.map(
        ({ name, required, schema, description }) => html`
          <tr>
            <th scope="row"><code>${name}</code>${required && html` <span class="soft">needed</span>`}</th>
            <td>${typeOf(schema, known)}${rest(schema) && html`<span class="soft">, ${rest(schema)}</span>`}</td>
            <td>${sentence(description ?? schema.description ?? "")}</td>
          </tr>`,
      )}</tbody>
    </table>`;
}

/** The fields of a body: those of the one object that it is, or of each that it may be. */
function fieldsOf(schema, known) {
  const found = schema?.$ref ? known[schema.$ref.split("/").pop()] : schema;
  const needed = new Set(found?.required ?? []);
  return Object.entries(found?.properties ?? {}).map(([name, one]) => ({
    name, schema: one, required: needed.has(name), description: one.description,
  }));
}

function Route({ method, path, route, known }) {
  const body = fieldsOf(route.requestBody?.content?.["application/json"]?.schema, known);
  return html`
    <section class="card route" id=${`${method}${path}`}>
      <h2><span class="method">${method.toUpperCase()}</span> <code>${path}</code></h2>
      ${(route.description ?? route.summary).split(/\n\s*\n/).map((text) => html`<p>${sentence(text)}</p>`)}
      ${route.parameters?.length > 0 && html`<${Values} title="In the address" values=${route.parameters} known=${known} />`}
      ${body.length > 0 && html`<${Values} title="In the body, a JSON object" values=${body} known=${known} />`}
    </section>`;
}

function Page({ described, error }) {
  const known = described?.components?.schemas ?? {};
  return html`
    <header>
      <a class="brand" href="/">wordtrace</a>
      <span class="soft">What programs can ask</span>
    </header>
    <main id="main" class="api-page">
      ${error && html`<p class="banner" role="alert">${error.message}</p>`}
      ${described && html`
        <p>
          Questions and answers are JSON. What is refused is answered by a status of 400 or more and one
          sentence, <code>{"error": "…"}</code>; 409 says that the index on disk has changed since it was
          opened. The same for programs: <a href="/api/openapi.json">openapi.json</a> (OpenAPI ${described.openapi}).
          In Python, <code>wordtrace.connect("${location.origin}")</code> asks for you.
        </p>
        ${Object.entries(described.paths).flatMap(([path, ways]) =>
          Object.entries(ways).map(([method, route]) => html`<${Route} ...${{ method, path, route, known }} />`))}`}
    </main>`;
}

const place = document.getElementById("app");
addEventListener("token", () => render(html`<main><${TokenWanted} /></main>`, place));
await begin();
get("/openapi.json").then(
  (described) => render(html`<${Page} described=${described} />`, place),
  (error) => error.message.includes("token") || render(html`<${Page} error=${error} />`, place),
);
