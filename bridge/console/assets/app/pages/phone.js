// The page "Phone".
import { html } from "../lib/html.js";

export default function PhonePage() {
  return html`<header><h1>Phone</h1></header>`;
}
