// The place in the console that an address names: `#/calls/12/c3e9…` is the page `call`.

// `pages`: each with a `path` of words and of `:names`. The first page is shown for an unknown address.
export function routeOf(hash, pages) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const words = path.split("/").filter(Boolean).map(unescaped);
  for (const page of pages) {
    const params = match(page.path.split("/"), words);
    if (params) return { page, params, query: Object.fromEntries(new URLSearchParams(query)) };
  }
  return { page: pages[0], params: {}, query: {} };
}

function match(pattern, words) {
  if (pattern.length !== words.length) return null;
  const params = {};
  for (const [place, part] of pattern.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = words[place];
    else if (part !== words[place]) return null;
  }
  return params;
}

function unescaped(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

export function addressOf(...words) {
  return `#/${words.map(encodeURIComponent).join("/")}`;
}
