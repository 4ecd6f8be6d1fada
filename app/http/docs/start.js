// Shows the OpenAPI document that the page names. A file of its own, as the page's
// Content-Security-Policy forbids inline scripts.
"use strict";

SwaggerUIBundle({
  domNode: document.getElementById("docs"),
  url: document.getElementById("docs").dataset.document,
  validatorUrl: null, // by default the document's address goes to a public validator
  persistAuthorization: false, // a pasted token is gone with the tab
  deepLinking: true,
});
