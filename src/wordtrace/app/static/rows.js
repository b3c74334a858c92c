import { html } from "./vendor/preact.js";

/** about: what /api/index tells; settings: the address bar's, as strings. */
export function Rows({ about, settings }) {
  return html`<h1>Rows</h1>`;
}
