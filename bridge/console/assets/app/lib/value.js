// A value that components follow: `get`, `set`, and `follow` for each change.
import { useEffect, useState } from "./html.js";

export function makeValue(first) {
  let value = first;
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const follower of [...followers]) follower(value);
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

// The value inside a component, which is drawn again at each change.
export function useValue(source) {
  const [value, setValue] = useState(source.get());
  useEffect(() => {
    setValue(() => source.get());
    return source.follow((next) => setValue(() => next));
  }, [source]);
  return value;
}
