// The page "Charts".
import { html } from "../lib/html.js";

export default function ChartsPage() {
  return html`<header><h1>Charts</h1></header>`;
}
