// What is said when the index on disk is no longer the one that the server has opened.
import { post } from "./api.js";
import { html, useState } from "./vendor/preact.js";

/** The server's sentence, and a button that opens the index again and shows the same address anew. */
export function Changed({ said }) {
  const [opening, setOpening] = useState(false);
  const [refused, setRefused] = useState(null);
  const open = () => {
    setOpening(true);
    post("/index/open").then(
      () => location.reload(),
      (error) => {
        setRefused(error.message);
        setOpening(false);
      },
    );
  };
  return html`
    <div class="banner" role="alert">
      ${refused ?? said} <button disabled=${opening} onClick=${open}>${opening ? "Opening…" : "Open it again"}</button>
    </div>`;
}
