// Numbers as people write them, and as SIP has them.

// `(323) 574-2879` → `3235742879`; `tel:` goes too. Empty if nothing of it can be dialled.
export function dialled(text) {
  const number = text.trim().replace(/^tel:/i, "").replace(/[\s()./-]/g, "");
  return /^\+?[0-9*#]{1,40}$/.test(number) ? number : "";
}

export function shownDuration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (x) => String(x).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return `${hours ? `${hours}:` : ""}${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
