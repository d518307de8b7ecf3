// While words are typed, their look is drawn again a moment later. The frame keeps its document, and with it the
// document's own policy: nothing in it runs, whatever somebody typed.
"use strict";

const show = document.querySelector("button[formtarget]");
const frame = show && document.querySelector(`iframe[name="${show.formTarget}"]`);
let soon = 0;

async function look() {
  const body = new URLSearchParams(new FormData(show.form));
  const answer = await fetch(show.formAction, { method: "POST", body }).catch(() => null);
  const shown = frame.contentDocument;
  if (!answer?.ok || !shown?.body) return;
  shown.documentElement.innerHTML = await answer.text();
}

if (frame) {
  for (const event of ["input", "change"]) {
    document.addEventListener(event, ({ target }) => {
      if (target.form !== show.form) return;
      clearTimeout(soon);
      soon = setTimeout(look, 500);
    });
  }
}
