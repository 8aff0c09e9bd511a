"use strict";
const sheet = JSON.parse(document.getElementById("sheet").textContent);
const find = (name) => document.getElementById(name);
const keys = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" };
let choices = {};
let place = 0;

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(sheet.sheet) || "{}");
    choices = kept.choices || {};
    find("rater").value = kept.rater || "";
  } catch {
    choices = {}; // a browser may forbid storage to files
  }
  const open = sheet.pairs.findIndex((pair) => !(pair.item in choices));
  place = open < 0 ? sheet.pairs.length - 1 : open;
}

function keep() {
  try {
    localStorage.setItem(sheet.sheet, JSON.stringify({ choices, rater: find("rater").value }));
  } catch {
    /* the ratings are still saved by hand */
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
  find("message").textContent = rated === sheet.pairs.length ? "All pairs are rated. Save, and send the file back." : "";
}

function choose(choice) {
  choices[sheet.pairs[place].item] = choice;
  place = Math.min(place + 1, sheet.pairs.length - 1);
  keep();
  show();
}

function goBack() {
  place = Math.max(place - 1, 0);
  show();
}

function save() {
  const rater = find("rater").value.trim();
  if (!rater) {
    find("message").textContent = "Write your name or initials first.";
    find("rater").focus();
    return;
  }
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
  if (event.key in keys) choose(keys[event.key]);
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
find("rater").addEventListener("input", keep);
restore();
show();
