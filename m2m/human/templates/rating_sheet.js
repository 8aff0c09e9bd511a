"use strict";
const sheet = JSON.parse(document.getElementById("sheet").textContent);
const find = (name) => document.getElementById(name);
const keys = { ArrowLeft: "left", ArrowRight: "right", t: "tie", T: "tie" };
let choices = {};
let place = 0;
let forgets = false; // a browser may forbid storage to files

const getRater = () => find("rater").value.trim();
const getStorageKey = () => `${sheet.sheet} ${getRater()}`;

function restore() {
  choices = {};
  try {
    choices = JSON.parse(localStorage.getItem(getStorageKey()) || "{}");
  } catch {
    forgets = true;
  }
  const open = sheet.pairs.findIndex((pair) => !(pair.item in choices));
  place = open < 0 ? sheet.pairs.length - 1 : open;
  show();
}

function keep() {
  try {
    localStorage.setItem(getStorageKey(), JSON.stringify(choices));
  } catch {
    forgets = true;
  }
}

function show() {
  const pair = sheet.pairs[place];
  for (const name of ["question", "left", "right"]) find(name).textContent = pair[name];
  const rated = Object.keys(choices).length;
  find("progress").textContent = `Pair ${place + 1} of ${sheet.pairs.length}; ${rated} rated`;
  for (const button of document.querySelectorAll("[data-choice]")) {
    button.setAttribute("aria-pressed", String(choices[pair.item] === button.dataset.choice));
  }
  const lost = forgets ? "This browser keeps nothing: save before you close the page." : "";
  find("message").textContent = rated === sheet.pairs.length ? "All pairs are rated. Save, and send the file back." : lost;
  find("question").scrollTop = 0;
  scrollTo({ top: 0, behavior: "instant" });
}

function requireRater() {
  if (getRater()) return true;
  find("message").textContent = "Write your name or initials first.";
  find("rater").focus();
  return false;
}

function choose(choice) {
  if (!requireRater()) return;
  choices[sheet.pairs[place].item] = choice;
  place = Math.min(place + 1, sheet.pairs.length - 1);
  keep();
  show();
}

function goBack() {
  place = Math.max(place - 1, 0);
  show();
}

function startAnew() {
  if (!requireRater() || !confirm(`Discard the ${Object.keys(choices).length} ratings of ${getRater()}?`)) return;
  choices = {};
  place = 0;
  keep();
  show();
}

function save() {
  if (!requireRater()) return;
  const rater = getRater();
  const text = JSON.stringify({ sheet: sheet.sheet, rater, choices }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `ratings-${sheet.sheet}-${rater.replace(/[^A-Za-z0-9]+/g, "-")}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
  find("message").textContent = `Saved ${Object.keys(choices).length} ratings as ${link.download}.`;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === find("rater")) {
    if (event.key === "Enter") find("rater").blur();
    return;
  }
  const isHeld = event.repeat && (event.key in keys || ["Backspace", "Enter", " ", "s", "S"].includes(event.key));
  if (isHeld) event.preventDefault(); // also the click of a focused button
  else if (event.key in keys) choose(keys[event.key]);
  else if (event.key === "Backspace") goBack();
  else if (event.key === "s" || event.key === "S") save();
  else return;
  event.preventDefault();
});
for (const button of document.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", () => choose(button.dataset.choice));
}
find("back").addEventListener("click", goBack);
find("save").addEventListener("click", save);
find("anew").addEventListener("click", startAnew);
find("rater").addEventListener("change", restore);
restore();
