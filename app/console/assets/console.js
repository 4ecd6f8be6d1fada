// htmx puts what links and forms lead to into #page; every page works without it.
"use strict";
const find = (selector) => document.querySelector(selector);
const on = (type, act, first) => document.addEventListener(type, act, first);
const openers = new Map(); // by path, where the link led that opened another page
let unsaved = false, closing = false, byKeys = false, shown = null, last = null;
let place = "", list = ""; // addresses: of this page, and of the list with its search

// A link's code stands behind `#`, which no server sees: take it out of the address, then ask.
function readCode() {
  const form = find("#enter");
  if (!form) return;
  const code = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  form.elements["secret.code"].value = code;
  if (code) form.requestSubmit();
  else location.replace("/console");
}

const here = () => location.pathname + location.search;

// A page stands. #said stays: a region that comes with its text is not read out.
function greet() {
  const page = find("#page");
  document.title = page.dataset.title;
  document.documentElement.lang = page.dataset.lang;
  document.documentElement.dir = page.dataset.dir;
  unsaved = Boolean(find("form[data-guarded]") && find("#alerts .alert"));
  if (shown && page !== shown) {
    // Keys never come back from the server.
    for (const input of page.querySelectorAll("[data-kept]")) {
      input.value = shown.querySelector(`#${CSS.escape(input.id)}`)?.value ?? "";
    }
    settleFocus();
    find("#said").textContent = find("#status").textContent || document.title;
  } else find("[data-focus]")?.focus();
  shown = page;
  const crumb = find(".crumbs a");
  if (find("#q")) list = here();
  else if (crumb && list.startsWith(crumb.pathname)) crumb.href = list;
  place = here();
  confirmName();
  countDown();
}

// What cannot be undone waits until its name is typed.
function confirmName() {
  const input = find("[data-confirms]");
  const button = input?.form.querySelector(".danger");
  if (!button) return;
  const typed = input.value.normalize("NFC").replace(/\s+/g, " ").trim();
  button.disabled = typed !== input.dataset.confirms;
}

// The focus goes to what is wrong, or back to what opened the page that was closed. The same page
// stays where it was, another begins at the top.
function settleFocus() {
  if (here() !== place) scrollTo(0, 0);
  const opened = closing && openers.get(location.pathname);
  const opener = [...document.querySelectorAll("#main a")].find((link) => link.href === opened);
  const lost = document.activeElement === document.body && find("#main");
  const target = find("[data-focus]") || opener;
  if (target) target.focus();
  else if (lost) lost.focus({ preventScroll: true });
  closing = false;
}

function countDown() {
  const alert = find("[data-retry-after]");
  const place = alert?.querySelector("[data-countdown]");
  if (!place) return;
  let left = Number(alert.dataset.retryAfter);
  const seconds = new Intl.NumberFormat(find("#page").dataset.lang, { style: "unit", unit: "second" });
  const tick = () => {
    if (!place.isConnected) return;
    place.textContent = left > 0 ? seconds.format(left) : "";
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
}

addEventListener("DOMContentLoaded", () => { greet(); readCode(); });
on("htmx:finally:request", greet);
on("htmx:error", (event) => {
  const template = find("#no-network");
  if (event.detail.ctx && template) find("#alerts").replaceChildren(template.content.cloneNode(true));
});

// A form is sent once; its button stays enabled, as a disabled one would lose the focus.
on("htmx:config:request", (event) => {
  const { method, body } = event.detail.ctx.request;
  if (method === "GET") for (const [name, value] of [...body]) if (!value) body.delete(name);
});
on("htmx:before:request", (event) => {
  last = event.detail.ctx;
  last.request.submitter?.setAttribute("aria-busy", "true");
});
on("htmx:finally:request", (event) => {
  event.detail.ctx.request.submitter?.removeAttribute("aria-busy");
});
on("submit", (event) => {
  unsaved = false;
  if (event.target.querySelector("[aria-busy]")) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

// Try again: the form or link that failed, with the same idempotency key; or the page.
on("click", (event) => {
  if (!event.target.closest("[data-again]")) return;
  const source = last?.sourceElement;
  if (!source?.isConnected) location.reload();
  else if (source.matches("form")) source.requestSubmit(last.request.submitter);
  else source.click();
});

// Who has signed in in another tab goes on here.
on("visibilitychange", () => {
  if (!document.hidden && find("#token")?.value === "") location.reload();
});

// Filters count at once, but by keyboard by the button: there each letter chooses.
for (const type of ["keydown", "pointerdown"]) {
  addEventListener(type, () => { byKeys = type === "keydown"; }, true);
}
on("change", (event) => {
  if (event.target.matches("[data-filters] select") && !byKeys) event.target.form.requestSubmit();
});
on("change", async (event) => {
  if (!event.target.matches("[data-fills]")) return;
  const area = document.getElementById(event.target.dataset.fills);
  area.value = await event.target.files[0]?.text() ?? "";
  area.focus();
  unsaved = true;
});
on("input", (event) => {
  if (event.target.closest("form[data-guarded]")) unsaved = true;
  confirmName();
});
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
on("click", (event) => {
  const link = event.target.closest('a[href]:not([href^="#"], [target])');
  if (link && unsaved && !confirm(find("#leave").dataset.text)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (link) {
    closing = link.matches("[data-close]");
    if (!closing) openers.set(location.pathname, link.href);
  }
}, true);
on("keydown", (event) => {
  if (event.key !== "Escape" || find(":popover-open")) return;
  [...document.querySelectorAll("a[data-close]")].at(-1)?.click(); // the innermost
});
