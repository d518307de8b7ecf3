// What every page shares. Everything works without it; with it, parts are replaced in place.
//
//   <section id="x" data-live>            read again whenever something happened (server-sent events)
//   <section id="x" data-live data-every="2">  and every two seconds while it stands there
//   <form data-swap="#x">                 send in the background and replace that part of the page with the answer's
//   <button data-confirm="Sure?">         ask before sending
//   <textarea data-counts="id">           write the number of characters into the element of that id
"use strict";

document.documentElement.classList.add("scripted");

const parse = (text) => new DOMParser().parseFromString(text, "text/html");

// Replace a part unless somebody is typing in it; focus stays where it was.
function swap(part, page, force) {
  const fresh = page.getElementById(part.id);
  if (!fresh) return;
  const inHand = document.activeElement;
  if (!force && part.contains(inHand) && inHand.matches("input, textarea, select")) return;
  const id = part.contains(inHand) ? inHand.id : "";
  // What somebody has ticked or opened stays so.
  if (!force) for (const one of part.querySelectorAll("input:checked[id], details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(one.id)}`);
    if (same) same[one.matches("details") ? "open" : "checked"] = true;
  }
  if (fresh.outerHTML === part.outerHTML) return;
  part.replaceWith(document.adoptNode(fresh));
  if (id) document.getElementById(id)?.focus();
  document.dispatchEvent(new CustomEvent("swapped", { detail: fresh }));
}

async function readAgain(parts) {
  if (document.hidden || !parts.length) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = parse(await answer.text());
  for (const part of parts) if (part.isConnected) swap(part, page, false);
}

const live = () => [...document.querySelectorAll("[data-live]")];

if (live().length) {
  let soon = 0;
  const stream = new EventSource("/live"), again = () => {
    clearTimeout(soon);
    soon = setTimeout(() => readAgain(live()), 150);
  };
  stream.addEventListener("news", again);
  // What happened between the drawing of the page and the opening of the stream is no news to the stream.
  stream.addEventListener("here", again, { once: true });
  setInterval(() => readAgain(live().filter((part) => part.dataset.every)), 2000);
}

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  const question = button?.dataset.confirm || form.dataset.confirm;
  if (question && !confirm(question)) return event.preventDefault();
  const part = form.dataset.swap && document.querySelector(form.dataset.swap);
  if (!part) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(button?.getAttribute("formaction") || form.action, { method: "POST", body }).catch(() => null);
  // Anything unusual is done the plain way, where its page explains it.
  if (!answer || (answer.status >= 400 && answer.status !== 422)) return HTMLFormElement.prototype.submit.call(form);
  const page = parse(await answer.text());
  if (!page.getElementById(part.id)) return location.assign(answer.url);
  swap(part, page, true);
});

document.addEventListener("input", ({ target }) => {
  const shown = target.dataset?.counts && document.getElementById(target.dataset.counts);
  if (shown) shown.textContent = [...target.value].length;
});

// A menu closes when somebody presses elsewhere, or Escape.
document.addEventListener("click", ({ target }) => {
  for (const open of document.querySelectorAll("details.me[open]")) if (!open.contains(target)) open.open = false;
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") for (const open of document.querySelectorAll("details.me[open]")) open.open = false;
});
