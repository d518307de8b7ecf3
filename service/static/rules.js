// The rule of a group: count again while it is put together. Without scripts the buttons do the same.
"use strict";

let soon = 0;

const look = () => document.querySelector(".builder button[value=look]")?.click();

document.addEventListener("change", ({ target }) => {
  if (!target.closest(".builder .rule")) return;
  clearTimeout(soon);
  soon = setTimeout(look, target.matches("[data-look]") ? 0 : 250);
});
