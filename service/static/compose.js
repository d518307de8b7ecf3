// While words are typed, their look is drawn again a moment later, in a fresh frame so that "back" stays "back".
"use strict";

const show = document.querySelector("button[formtarget]");
let soon = 0;

function look() {
  const old = document.querySelector(`iframe[name="${show.formTarget}"]`);
  if (!old) return;
  const fresh = old.cloneNode();
  const name = old.name;
  fresh.removeAttribute("src");
  old.name = "";
  fresh.name = name;
  fresh.classList.add("coming");
  old.after(fresh);
  fresh.addEventListener("load", () => {
    old.remove();
    fresh.classList.remove("coming");
  }, { once: true });
  show.form.requestSubmit(show);
}

if (show) {
  for (const event of ["input", "change"]) {
    document.addEventListener(event, ({ target }) => {
      if (target.form !== show.form) return;
      clearTimeout(soon);
      soon = setTimeout(look, 600);
    });
  }
}
