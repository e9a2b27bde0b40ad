// Navigation beside the page that is shown.
import { html, useEffect, useRef, useState } from "./lib/html.js";
import { Icon } from "./lib/icons.js";
import { Said } from "./lib/said.js";
import { PhoneBar } from "./phone/bar.js";
import { resumeOnline } from "./phone/line.js";
import { PAGES } from "./pages.js";
import { routeOf } from "./route.js";
import { signOut } from "./session.js";

export function Shell({ session }) {
  const route = useRoute();
  const Page = usePage(route.page);
  const main = useRef(null);
  const current = route.page.within ?? route.page.path;

  useEffect(resumeOnline, []);

  useEffect(() => {
    document.title = `${route.page.title} – uapi-bridge console`;
  }, [route.page]);

  return html`
    <div class="shell">
      <a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>
        Skip to the content</a>
      <header class="side">
        <div class="brand"><img src="style/icon.svg" alt="" /> uapi-bridge</div>
        <nav aria-label="Pages">
          ${PAGES.filter((page) => page.icon).map((page) => html`
            <a key=${page.path} href=${`#/${page.path}`} aria-current=${page.path === current ? "page" : undefined}>
              <${Icon} name=${page.icon} /><span>${page.title}</span></a>`)}
        </nav>
        <div class="account">
          <div class="who"><strong>${session.user?.name ?? session.app.name}</strong>
            <span class="muted">${session.app.clientId}</span></div>
          <button class="plain" onClick=${signOut} aria-label="Sign out"><${Icon} name="leave" />
            <span class="who">Sign out</span></button>
        </div>
      </header>
      <main class="page" id="content" tabindex="-1" ref=${main}>
        ${Page === null ? null : html`<${Page} key=${route.page.path} params=${route.params} query=${route.query} session=${session} />`}
      </main>
      <${Said} />
      ${current !== "phone" && html`<${PhoneBar} />`}
    </div>`;
}

function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return routeOf(hash, PAGES);
}

function usePage(page) {
  const [loaded, setLoaded] = useState({ page: null, component: null });
  useEffect(() => {
    let wanted = true;
    page.load().then((module) => wanted && setLoaded({ page, component: module.default }));
    return () => { wanted = false; };
  }, [page]);
  return loaded.page === page ? loaded.component : null;
}
