// The keys of a phone.
import { html } from "../lib/html.js";

const KEYS = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""],
];

export function DialPad({ onDigit }) {
  return html`
    <div class="dial-pad" role="group" aria-label="Keys">
      ${KEYS.map(([digit, letters]) => html`
        <button type="button" key=${digit} data-digit=${digit} onClick=${() => onDigit(digit)}>
          <span class="digit">${digit}</span>${letters && html`<span class="letters" aria-hidden="true">${letters}</span>`}
        </button>`)}
    </div>`;
}
