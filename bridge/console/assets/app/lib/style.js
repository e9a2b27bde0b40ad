// The style sheet of a page, loaded with it.
import { useLayoutEffect } from "./html.js";

export function useStyle(path) {
  useLayoutEffect(() => {
    if (document.querySelector(`link[href="${path}"]`)) return;
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = path;
    document.head.append(link);
  }, [path]);
}
