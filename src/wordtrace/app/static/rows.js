// The first view: all training rows, searched and filtered, a page of them at a time.
import { go } from "./address.js";
import { RowFilters } from "./row_filters.js";
import { RowList } from "./row_list.js";
import { RowOpen } from "./row_open.js";
import { AllRows } from "./rows_all.js";
import { Start } from "./rows_start.js";
import { PAGE, count, filtersOf, useAsked } from "./rows_data.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** The box of the search: the address follows while one types. */
function Search({ value, change, field }) {
  const [typed, setTyped] = useState(value ?? "");
  const later = useRef(null);
  useEffect(() => {
    if (document.activeElement !== field.current) setTyped(value ?? "");
  }, [value]);
  const type = (text) => {
    setTyped(text);
    clearTimeout(later.current);
    later.current = setTimeout(() => change({ q: text.trim() ? text : "" }, true), 220);
  };
  return html`
    <label class="search"><span class="hidden">Search the texts</span>
      <input ref=${field} type="search" dir="auto" value=${typed} placeholder='Search the texts: words, or "a phrase"'
        title='All words must stand in the text; put a phrase in "quotes"' onInput=${(event) => type(event.target.value)} />
      <kbd aria-hidden="true">/</kbd></label>`;
}

function Pages({ place, last, change }) {
  if (last < 1) return null;
  const to = (page) => {
    change({ page: page ? String(page) : "", open: "" });
    scrollTo({ top: 0 });
  };
  return html`
    <nav class="pages line" aria-label="Pages">
      <button disabled=${place === 0} onClick=${() => to(place - 1)}>‹ Before</button>
      <label class="line">Page <input type="number" min="1" max=${last + 1} value=${place + 1}
        onChange=${(event) => to(Math.min(last, Math.max(0, Math.round(Number(event.target.value)) - 1 || 0)))} /> of ${count(last + 1)}</label>
      <button disabled=${place >= last} onClick=${() => to(place + 1)}>Next ›</button>
    </nav>`;
}

/** Moves by keys: / to the search, j and k (or arrows) through the rows, w to Why. */
function useKeys(field) {
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const here = event.target;
      const writing = here.matches?.("input, textarea, select, [contenteditable]") ?? false;
      const rows = [...document.querySelectorAll(".row-list [data-row]")];
      const at = rows.indexOf(document.activeElement);
      const move = (place) => rows[Math.min(rows.length - 1, Math.max(0, place))]?.focus();
      if (event.key === "Escape" && here === field.current) here.blur();
      else if (writing && !(here === field.current && event.key === "ArrowDown")) return;
      else if (event.key === "/") field.current?.focus();
      else if (event.key === "j" || (event.key === "ArrowDown" && (at >= 0 || writing))) move(at + 1);
      else if (event.key === "k" || (event.key === "ArrowUp" && at >= 0)) move(at - 1);
      else if (event.key === "Escape" && rows[at]?.ariaExpanded === "true") rows[at].click();
      else if (event.key === "w" && at >= 0) go("why", { row: rows[at].dataset.row });
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

/** about: what /api/index tells; settings: the address bar's, as strings. */
export function Rows({ about, settings }) {
  const field = useRef(null);
  const [version, setVersion] = useState(0);
  const [wide] = useState(() => matchMedia("(min-width: 901px)").matches);
  useKeys(field);
  useEffect(() => {
    const decided = () => setVersion((before) => before + 1);
    const events = ["decided", "elsewhere"];
    events.forEach((name) => addEventListener(name, decided));
    return () => events.forEach((name) => removeEventListener(name, decided));
  }, []);
  const filters = filtersOf(settings);
  const place = Math.max(0, Math.floor(Number(settings.page)) || 0);
  const query = { ...filters, sort: settings.sort, descending: settings.descending, offset: place * PAGE, limit: PAGE };
  const list = useAsked("/rows", query, version);
  const spread = useAsked("/rows/distribution", filters, version);
  const change = (part, replace = false) => {
    const stays = "open" in part || "page" in part;
    go("rows", { ...settings, ...(stays ? {} : { page: "", open: "" }), ...part }, replace);
  };
  const filtered = Object.keys(filters).length > 0;
  const wrong = spread.data?.columns.find((one) => one.column === "right")?.bars[1].all ?? null;
  const error = list.error ?? spread.error;
  // A row whose address was opened, though it is not on this page of the list.
  const apart = settings.open && list.data && !list.data.rows.some((row) => String(row.row) === settings.open);
  const last = list.data ? Math.ceil(list.data.matching / PAGE) - 1 : 0;
  return html`
    ${filtered || settings.sort || settings.page ? html`<h1 class="hidden">Rows</h1>` : html`<${Start} about=${about} wrong=${wrong} />`}
    <div class="rows-view">
      <aside aria-label="Filters">
        <details open=${wide}><summary>Filters</summary>
          ${spread.data ? html`<${RowFilters} found=${spread.data} settings=${settings} change=${change} />` : html`<p class="waiting">Counting …</p>`}
        </details>
      </aside>
      <section aria-label="Rows" aria-busy=${list.waiting}>
        <div class="toolbar">
          <${Search} value=${settings.q} change=${change} field=${field} />
          ${list.data && html`<span role="status" class="soft">${filtered ? `${count(list.data.matching)} of ${count(list.data.total)} rows` : `${count(list.data.total)} rows`}</span>`}
          ${filtered && html`<button class="plain" onClick=${() => go("rows")}>Clear filters</button>`}
        </div>
        ${filtered && list.data?.matching > 0 && html`<${AllRows} key=${JSON.stringify(filters)} settings=${settings} about=${about} matching=${list.data.matching} />`}
        ${error && html`<p class="banner" role="alert">${error.message}</p>`}
        ${apart && html`<div class="card apart"><${RowOpen} row=${settings.open} version=${version} about=${about} onClose=${() => change({ open: "" }, true)} /></div>`}
        ${list.data && (list.data.rows.length
          ? html`
            <div class="card list"><${RowList} rows=${list.data.rows} settings=${settings} about=${about} version=${version}
              waiting=${list.data.waiting} change=${change}
              onOpen=${(row) => change({ open: settings.open === String(row) ? "" : String(row) }, true)} /></div>
            <${Pages} place=${place} last=${last} change=${change} />
            <p class="soft small row-keys"><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>w</kbd> why</p>`
          : html`<p class="card empty">No row matches. <button class="plain" onClick=${() => go("rows")}>Clear filters</button></p>`)}
        ${!list.data && !error && html`<p class="waiting">Reading the rows …</p>`}
      </section>
    </div>`;
}
