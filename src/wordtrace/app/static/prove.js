import { html } from "./vendor/preact.js";

/** about: what /api/index tells; settings: the address bar's, as strings. */
export function Prove({ about, settings }) {
  return html`<h1>Prove</h1>`;
}
