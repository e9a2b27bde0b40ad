// JsSIP, loaded when the phone is used first. It is a plain script that defines one global name.
let loading = null;

export function loadJsSip() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/jssip/jssip.min.js", document.baseURI).href;
    script.onload = () => done(globalThis.JsSIP);
    script.onerror = () => {
      loading = null;
      script.remove();
      failed(new Error("The service cannot be reached."));
    };
    document.head.append(script);
  });
  return loading;
}
