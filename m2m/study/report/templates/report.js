"use strict";
const tip = document.getElementById("tip");

function toldBy(target) {
  const mark = target.closest(".panel .role-mark [aria-label]");
  return mark && !mark.matches("g") ? mark.getAttribute("aria-label") : null;
}

function show(event) {
  const told = toldBy(event.target);
  tip.hidden = told === null;
  if (told === null) return;
  tip.textContent = told;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10}px`;
}

function lead(event) {
  const told = toldBy(event.target);
  if (told === null) return;
  for (const row of document.querySelectorAll("#cells tbody tr")) {
    const found = told.startsWith(`${row.cells[0].textContent}: `);
    row.classList.toggle("found", found);
    if (found && event.type === "dblclick") row.scrollIntoView({ block: "center" });
  }
}

function sortBy(head) {
  const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending" || (head.matches(".number") && !head.hasAttribute("aria-sort"));
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = (row) => row.cells[column].dataset.order ?? row.cells[column].textContent;
  const compare = head.matches(".number") ? (a, b) => Number(a) - Number(b) : (a, b) => a.localeCompare(b);
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === "" || b === "") return (a === "") - (b === ""); // what has no value stands last
    return down ? compare(b, a) : compare(a, b);
  });
  body.append(...rows);
}

function filterBy(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.getElementById(input.dataset.filter).querySelectorAll("tbody tr")) {
    const texts = [...row.cells].map((cell) => cell.textContent.toLowerCase());
    row.hidden = !words.every((word) => texts.some((text) => (/^\d+$/.test(word) ? text === word : text.includes(word))));
  }
}

function compareAnswers(held) {
  const prompt = document.getElementById("prompt"), cells = [...document.querySelectorAll("select.cell")];
  const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
  held.prompts.forEach((one, at) => prompt.append(option(one.instruction.slice(0, 90), at)));
  cells.forEach((select) => held.cells.forEach((cell, at) => select.append(option(cell.name, at))));
  cells[0].value = held.shown[0];
  cells[1].value = held.shown[1];
  const fill = () => {
    const one = held.prompts[prompt.value];
    document.getElementById("instruction").textContent = one.instruction;
    document.getElementById("reference").textContent = one.reference ?? "none is known";
    document.querySelectorAll(".answer").forEach((place, side) => {
      const answer = held.cells[cells[side].value].answers[prompt.value];
      place.textContent = answer === null ? "(not asked)" : answer || "(an empty answer)";
    });
  };
  [prompt, ...cells].forEach((select) => select.addEventListener("change", fill));
  fill();
}

for (const name of ["pointerover", "pointerdown"]) document.addEventListener(name, show);
for (const name of ["click", "dblclick"]) document.addEventListener(name, lead);
for (const head of document.querySelectorAll(".sortable th")) head.addEventListener("click", () => sortBy(head));
for (const input of document.querySelectorAll("input[data-filter]")) input.addEventListener("input", () => filterBy(input));
const held = JSON.parse(document.getElementById("examples").textContent);
if (held.prompts.length) compareAnswers(held);
