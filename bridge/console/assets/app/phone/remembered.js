// The choices that this browser remembers. Without storage they hold until the page is left.
const PREFIX = "uapi-console.phone.";

export function remembered(name) {
  try {
    return localStorage.getItem(PREFIX + name) ?? "";
  } catch {
    return "";
  }
}

export function remember(name, value) {
  try {
    if (value) localStorage.setItem(PREFIX + name, value);
    else localStorage.removeItem(PREFIX + name);
  } catch {
    // private window
  }
}
