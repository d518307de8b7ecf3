// The calendar with scripts: messages are dragged to another day, by mouse or by keyboard. Without, each has "Move to…".
//
// Arrow keys go from day to day (mirrored where the page is), M on a message picks it up, then arrow keys choose the
// day, Enter puts it down and Escape leaves it. Every move is the form #mover, sent to the message's own address.
"use strict";

const root = () => document.getElementById("calendar");
const days = () => [...root().querySelectorAll("[data-day]")];
const say = (name, words = {}) => {
  document.getElementById("told").textContent = Object.entries(words).reduce(
    (text, [key, value]) => text.replace(`{${key}}`, value), root().dataset[name]);
};
let picked = null, over = null;

function ready() {
  for (const entry of root().querySelectorAll("[data-entry]")) entry.draggable = true;
}

function aim(day) {
  over?.classList.remove("over");
  over = day;
  over?.classList.add("over");
}

function leave() {
  aim(null);
  picked?.classList.remove("picked");
  picked = null;
  root().setAttribute("data-live", "");
}

function pick(entry) {
  leave();
  picked = entry;
  entry.classList.add("picked");
  // Nothing is read again under somebody's hand.
  root().removeAttribute("data-live");
}

async function drop(day) {
  const entry = picked, id = entry.id;
  leave();
  if (!day || day === entry.closest("[data-day]")) return;
  if ("recheck" in entry.dataset && !confirm(root().dataset.ask)) return;
  const form = document.getElementById("mover");
  form.elements.on.value = day.dataset.day;
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(entry.dataset.move, { method: "POST", body, headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer) return say("failed");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || !page.getElementById("calendar")) {
    const why = (page.querySelector(".problem") ?? page.querySelector("h1"))?.textContent.trim();
    return alert(why || root().dataset.failed);
  }
  document.getElementById("main").replaceChildren(...document.adoptNode(page.getElementById("main")).childNodes);
  ready();
  document.getElementById(`at-${id}`)?.focus();
}

const entryOf = (target) => target.closest?.("#calendar [data-entry]");
const dayOf = (target) => target.closest?.("#calendar [data-day]");

document.addEventListener("dragstart", (event) => {
  const entry = entryOf(event.target);
  if (!entry) return;
  pick(entry);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", entry.dataset.name);
});
document.addEventListener("dragover", (event) => {
  const day = picked && dayOf(event.target);
  if (!day) return;
  event.preventDefault();
  if (day !== over) aim(day);
});
document.addEventListener("drop", (event) => {
  const day = picked && dayOf(event.target);
  if (!day) return;
  event.preventDefault();
  drop(day);
});
document.addEventListener("dragend", () => picked && leave());

// How many days an arrow key goes; a list has one day under the other.
function step(key) {
  const grid = root().querySelector("table.days"), ahead = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  if (!grid) return { ArrowDown: 1, ArrowUp: -1 }[key];
  return { ArrowDown: 7, ArrowUp: -7, ArrowLeft: ahead === "ArrowLeft" ? 1 : -1, ArrowRight: ahead === "ArrowRight" ? 1 : -1 }[key];
}

document.addEventListener("keydown", (event) => {
  if (!root()?.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) return;
  const entry = entryOf(event.target), by = step(event.key);
  if (picked && event.key === "Escape") {
    say("left", { name: picked.dataset.name });
    leave();
  } else if (picked && event.key === "Enter" && over) drop(over);
  else if (!picked && entry && event.key.toLowerCase() === "m") {
    pick(entry);
    aim(dayOf(entry));
    say("picked", { name: entry.dataset.name });
  } else if (by) {
    const all = days(), from = all.indexOf(picked ? over : dayOf(event.target));
    const to = all[picked && from < 0 ? 0 : from + by];
    if (!to || (!picked && from < 0)) return;
    if (picked) {
      aim(to);
      say("over", { name: picked.dataset.name, day: to.dataset.said || to.querySelector("h3").textContent });
    } else to.querySelector("a")?.focus();
  } else return;
  event.preventDefault();
});

document.addEventListener("swapped", ready);
ready();
