import { html } from "./vendor/preact.js";

/** about: what /api/index tells; settings: the address bar's, as strings. */
export function Why({ about, settings }) {
  return html`<h1>Why</h1>`;
}
