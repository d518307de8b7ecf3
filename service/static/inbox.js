// The inbox by keyboard, and drafts kept while they are written. Everything works without it.
//
//   <button data-key="e">   pressed by that key; a field with data-key is gone to instead
//   <li data-row>           an item of the list: j and k go through them, other keys are about the one in hand
//   <textarea data-draft>   what is written is sent there, so that colleagues see it and nothing is lost
"use strict";

(() => {
  const OFF = "inbox-keys-off";
  const store = (value) => { try { localStorage.setItem(OFF, value); } catch { /* private windows forget */ } };
  const isOff = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const inHand = () => document.activeElement?.closest?.("[data-row]");
  const link = (row) => row?.querySelector("a[href]");

  function step(by) {
    const all = rows(), at = all.indexOf(inHand());
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    link(next)?.focus();
  }

  // A key is about the item in hand, or about what is chosen where none is in hand.
  function choose(row) {
    if (row) for (const one of rows()) one.querySelector("input[name=rsp]").checked = one === row;
  }

  function press(key) {
    if (key === "j" || key === "k") return rows().length ? (step(key === "j" ? 1 : -1), true) : false;
    if (key === "x") return inHand() ? (inHand().querySelector("input[name=rsp]").click(), true) : false;
    if (key === "?") {
      const help = document.querySelector("[data-key-help]");
      help.open = !help.open;
      help.querySelector("summary").focus();
      return true;
    }
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return false;
    if (target.matches("button, a")) {
      if (rows().length && !inHand() && !document.querySelector("[data-row] :checked")) return false;
      choose(inHand());
      target.click();
    } else {
      target.focus();
    }
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (key === "Enter" && (event.ctrlKey || event.metaKey) && target.matches("[data-draft]")) {
      target.form.querySelector("[data-send]").click();
      return event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
    if (target.matches("textarea, select, input:not([type=checkbox])")) return;
    if (press(key)) event.preventDefault();
  });

  for (const box of document.querySelectorAll("[data-keys-on]")) {
    box.checked = !isOff();
    box.addEventListener("change", () => store(box.checked ? "0" : "1"));
  }

  for (const area of document.querySelectorAll("[data-draft]")) {
    let soon = 0, leaving = false;
    const keep = () => {
      soon = 0;
      if (leaving) return;
      const body = new URLSearchParams({ form_key: area.form.elements.form_key.value, text: area.value });
      fetch(area.dataset.draft, { method: "POST", body, keepalive: true }).catch(() => null);
    };
    // Nothing is lost where somebody goes on to a note or a link before the next keeping.
    const atOnce = () => { if (soon) { clearTimeout(soon); keep(); } };
    area.form.addEventListener("submit", () => { leaving = true; clearTimeout(soon); soon = 0; });
    document.addEventListener("submit", atOnce);
    addEventListener("pagehide", atOnce);
    area.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(keep, 1500); });
  }
})();
