// The keys of the keyboard, while the page of the phone is shown and no field has the focus.
import { active, answer, callOf, line, resume } from "./line.js";

export const SHORTCUTS = [
  ["0 … 9 * #", "a digit: of the number, or for the other side of the call"],
  ["Enter", "call, or answer"],
  ["Esc", "hang up, or reject"],
  ["H", "hold, or resume"],
  ["M", "mute, or unmute"],
];

// `onDigit(digit)`: of the number, while there is no talk. Returns the function that ends it.
export function followKeyboard({ onDigit, onErase, onCall }) {
  function pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, button, summary, a, dialog")) {
      if (event.key !== "Escape") return;
    }
    if (act(event.key)) event.preventDefault();
  }

  function act(key) {
    const views = line.get().calls;
    const find = (...states) => callOf(views.find((x) => states.includes(x.state))?.id);
    const talking = active() ?? find("talking");
    if (/^[0-9*#]$/.test(key)) {
      if (active()) active().sendDigit(key);
      else onDigit(key);
      return true;
    }
    if (key === "Backspace") return onErase();
    if (key === "Enter") {
      const rings = find("incoming");
      if (rings) answer(rings);
      else onCall();
      return true;
    }
    if (key === "Escape") {
      const call = find("incoming") ?? find("calling", "ringing") ?? talking;
      call?.hangUp();
      return Boolean(call);
    }
    if (!talking) return false;
    if (key.toLowerCase() === "h") {
      if (talking.view.held) resume(talking);
      else talking.hold(true);
      return true;
    }
    if (key.toLowerCase() === "m") {
      talking.mute(!talking.view.muted);
      return true;
    }
    return false;
  }

  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
