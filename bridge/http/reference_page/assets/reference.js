// Shows the document that is beside this page. No other host is asked, and no token is kept.
window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  queryConfigEnabled: false, // else an address could name another document
  requestSnippetsEnabled: true,
  validatorUrl: null,
});
