// The pages of the console. Each is one module, loaded when it is shown first. Its default export is
// a component that gets `params` and `query` of the address, and the `session`.
export const PAGES = [
  { path: "phones", title: "Phones", icon: "phones", load: () => import("./pages/phones.js") },
  { path: "calls", title: "Calls", icon: "calls", load: () => import("./pages/calls.js") },
  { path: "calls/:user/:id", title: "Call", within: "calls", load: () => import("./pages/call.js") },
  { path: "phone", title: "Phone", icon: "phone", load: () => import("./pages/phone.js") },
  { path: "charts", title: "Charts", icon: "charts", load: () => import("./pages/charts.js") },
  {
    path: "subscriptions", title: "Subscriptions", icon: "subscriptions",
    load: () => import("./pages/subscriptions.js"),
  },
];
