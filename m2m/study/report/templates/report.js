"use strict";
const tip = document.getElementById("tip");

function describe(target) {
  const mark = target.closest(".panel .role-mark [aria-label]");
  return mark && !mark.matches("g") ? mark.getAttribute("aria-label") : null;
}

function show(event) {
  const text = describe(event.target);
  tip.hidden = text === null;
  if (text === null) return;
  tip.textContent = text;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10}px`;
}

function markCell(event) {
  const text = describe(event.target);
  if (text === null) return;
  for (const row of document.querySelectorAll("#cells tbody tr")) {
    const found = text.startsWith(`${row.cells[0].textContent}: `);
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
    if (a === "" || b === "") return (a === "") - (b === ""); // empty values last
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

function compareAnswers(examples) {
  const prompt = document.getElementById("prompt"), selects = [...document.querySelectorAll("select.cell")];
  const option = (text, value) => Object.assign(document.createElement("option"), { textContent: text, value });
  examples.prompts.forEach((row, place) => prompt.append(option(row.instruction.slice(0, 90), place)));
  selects.forEach((select) => examples.cells.forEach((cell, place) => select.append(option(cell.name, place))));
  selects.forEach((select, side) => { select.value = examples.shown[side]; });
  const fill = () => {
    const row = examples.prompts[prompt.value];
    document.getElementById("instruction").textContent = row.instruction;
    document.getElementById("reference").textContent = row.reference ?? "(no reference)";
    document.querySelectorAll(".reply").forEach((paragraph, side) => {
      const answer = examples.cells[selects[side].value].answers[prompt.value];
      paragraph.textContent = answer === null ? "(not asked)" : answer || "(an empty answer)";
    });
  };
  [prompt, ...selects].forEach((select) => select.addEventListener("change", fill));
  fill();
}

async function copyText(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch { // no permission, or an old browser: copy the selection
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
}

function openTarget() { // a link of the contents may lead into what is folded away
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
}

for (const name of ["pointerover", "pointerdown"]) document.addEventListener(name, show);
for (const name of ["click", "dblclick"]) document.addEventListener(name, markCell);
for (const head of document.querySelectorAll(".sortable th")) head.addEventListener("click", () => sortBy(head));
for (const input of document.querySelectorAll("input[data-filter]")) input.addEventListener("input", () => filterBy(input));
for (const button of document.querySelectorAll("button[data-copy]")) button.addEventListener("click", () => copyText(button));
window.addEventListener("hashchange", openTarget);
openTarget();
const examples = JSON.parse(document.getElementById("examples").textContent);
if (examples.prompts.length) compareAnswers(examples);
