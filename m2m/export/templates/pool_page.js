"use strict";
const COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#17a2b8", "#ff7fa8", "#9c755f"];
const OTHER = "#7f7fd5", NONE = "#a8a8a8";
const LENGTHS = ["#4f74d9", "#7768d4", "#9c5cc8", "#bd52b0", "#d94f8e", "#ea5f66", "#f08040", "#e6a726"]; // eighths of the pool, shortest first
const ABSENT = 65535; // the code of a row without a source or cluster
const MARGIN = 0.02; // of the map, at each side
const REACH = 14; // CSS pixels between a click and the row that it finds
const get = (id) => document.getElementById(id);
const page = JSON.parse(get("page").textContent);
const make = (tag, text, name) => Object.assign(document.createElement(tag), { textContent: text ?? "", className: name ?? "" });
const count = (number) => number.toLocaleString("en");

async function unpack(name) {
  const element = document.querySelector(`[data-column="${name}"]`);
  if (element === null) return null;
  const letters = atob(element.textContent), bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place += 1) bytes[place] = letters.charCodeAt(place);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}
const numbers = async (name, Type) => { const buffer = await unpack(name); return buffer && new Type(buffer); };
const texts = {}; // unpacked at the first click
const words = (name) => (texts[name] ??= unpack(name).then((buffer) => JSON.parse(new TextDecoder().decode(buffer))));

function listMembers(bits) {
  const rows = [];
  for (let row = 0; row < page.rows; row += 1) if (bits[row >> 3] & (1 << (row & 7))) rows.push(row);
  return Uint32Array.from(rows);
}

async function start() {
  const columns = { x: await numbers("x", Uint16Array), y: await numbers("y", Uint16Array), tokens: await numbers("tokens", Uint32Array) };
  for (const name of Object.keys(page.colourings)) columns[name] = await numbers(name, Uint16Array);
  const subsets = [];
  for (let place = 0; place < page.subsets.length; place += 1) {
    const members = listMembers(await numbers(`members-${place}`, Uint8Array)), turns = await numbers(`turns-${place}`, Uint32Array);
    const order = [...members.keys()].sort((a, b) => turns[a] - turns[b]);
    subsets.push({ members, turns, order, reasons: await numbers(`reasons-${place}`, Uint8Array) });
  }
  show(columns, subsets);
}

function show(columns, subsets) {
  const canvas = get("map"), context = canvas.getContext("2d"), slider = get("subset"), select = get("colour");
  const ground = document.createElement("canvas"); // the grey pool: drawn again only when the view changes
  const everyone = [...new Set(subsets.flatMap((subset) => [...subset.members]))].sort((a, b) => a - b); // rows that have an id
  const view = { scale: 1, x: 0.5, y: 0.5 }; // the middle of the view, as shares of the map
  let selected = -1, ratio = 1, frame = 0, stale = true;
  const lit = () => Number(slider.value);
  const colourings = [...select.options].map((option) => option.value).filter((name) => name in page.colourings);

  const isLength = () => select.value === "length";
  const palette = () => (isLength() ? LENGTHS : [...COLOURS, OTHER, NONE]);
  const bins = (() => { // octiles of the pool's lengths
    const sorted = columns.tokens.slice().sort();
    return LENGTHS.map((_, place) => sorted[Math.min(sorted.length - 1, Math.floor((place * sorted.length) / LENGTHS.length))]);
  })();
  const code = (row) => {
    if (!isLength()) return columns[select.value][row] === ABSENT ? COLOURS.length + 1 : Math.min(columns[select.value][row], COLOURS.length);
    let place = LENGTHS.length - 1;
    while (place > 0 && columns.tokens[row] < bins[place]) place -= 1;
    return place;
  };
  const names = () => (isLength()
    ? LENGTHS.map((_, place) => (place === LENGTHS.length - 1 ? `${count(bins[place])} tokens and more`
      : `${count(bins[place])}–${count(Math.max(bins[place], bins[place + 1] - 1))} tokens`))
    : [...COLOURS.map((_, place) => page.colourings[select.value][place]), `other ${select.value}s`, `no ${select.value}`]);

  const shift = (middle, size) => ((MARGIN - middle) * view.scale + 0.5) * size; // where an axis begins, in pixels of the canvas
  const stretch = (size) => ((1 - 2 * MARGIN) / (page.levels - 1)) * view.scale * size; // pixels a level
  const place = (row) => [
    columns.x[row] * stretch(canvas.width) + shift(view.x, canvas.width),
    columns.y[row] * stretch(canvas.height) + shift(view.y, canvas.height),
  ];

  function drawGround() {
    const { width, height } = canvas;
    Object.assign(ground, { width, height });
    const depth = new Uint8Array(width * height);
    const size = Math.max(1, Math.round(ratio * (page.rows > 20000 ? 1 : page.rows > 5000 ? 2 : 3) * Math.min(2, Math.sqrt(view.scale))));
    const [wide, high] = [stretch(width), stretch(height)], [first, top] = [shift(view.x, width), shift(view.y, height)];
    for (let row = 0; row < page.rows; row += 1) { // as in `place`, without an array a row
      const x = Math.floor(columns.x[row] * wide + first), y = Math.floor(columns.y[row] * high + top);
      for (let down = 0; down < size; down += 1) for (let right = 0; right < size; right += 1) {
        const [column, line] = [x + right, y + down], pixel = line * width + column;
        if (column >= 0 && line >= 0 && column < width && line < height && depth[pixel] < 255) depth[pixel] += 1;
      }
    }
    const image = new ImageData(width, height), grey = matchMedia("(prefers-color-scheme: dark)").matches ? 150 : 110;
    const pixels = new Uint32Array(image.data.buffer), colour = (grey << 16) | (grey << 8) | grey; // opacity, blue, green, red
    for (let pixel = 0; pixel < depth.length; pixel += 1) {
      if (depth[pixel] > 0) pixels[pixel] = (Math.min(190, 50 + 35 * depth[pixel]) << 24) | colour;
    }
    ground.getContext("2d").putImageData(image, 0, 0);
  }

  function draw() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(ground, 0, 0);
    const colours = palette(), { members } = subsets[lit()];
    const radius = ratio * (members.length > 5000 ? 1.6 : members.length > 1000 ? 2.2 : 3) * Math.min(1.6, Math.sqrt(view.scale));
    const groups = colours.map(() => []);
    for (const row of members) groups[code(row)].push(row);
    context.strokeStyle = getComputedStyle(document.body).backgroundColor;
    context.lineWidth = ratio * 0.6;
    groups.forEach((rows, group) => {
      context.fillStyle = colours[group];
      for (const row of rows) {
        const [x, y] = place(row);
        if (x < -radius || y < -radius || x > canvas.width + radius || y > canvas.height + radius) continue;
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      }
    });
    if (selected >= 0) {
      const [x, y] = place(selected);
      context.strokeStyle = getComputedStyle(document.body).color;
      context.lineWidth = 2.5 * ratio;
      context.beginPath();
      context.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
    canvas.dataset.lit = members.length;
    fillLegend(groups.map((rows) => rows.length), colours);
  }

  function fillLegend(sizes, colours) {
    get("legend").replaceChildren(...names().flatMap((name, place) => {
      if (!isLength() && sizes[place] === 0) return [];
      const item = make("li"), dot = make("i"), label = make("bdi", name);
      dot.style.background = colours[place];
      item.append(dot, label, " ", make("span", count(sizes[place])));
      return [item];
    }));
  }

  function redraw(all) { // at most once a frame
    stale ||= all;
    if (frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (stale) drawGround();
      stale = false;
      draw();
    });
  }

  function fillCharts() {
    const name = page.subsets[lit()];
    const shown = [["lit", name], ...(page.reference === null || page.reference === name ? [] : [["reference", page.reference]]), ["pool", "pool"]];
    get("key-lit").textContent = name;
    get("charts").replaceChildren(...page.charts.map((chart) => {
      const block = make("div", "", "chart"), highest = Math.max(...Object.values(chart.shares).flat()) || 1;
      block.append(make("h2", chart.title));
      chart.categories.forEach((category, place) => {
        const line = document.createElement("div"), bars = make("span", "", "bars");
        const label = make("span"), share = (subset) => chart.shares[subset][place];
        label.append(make("bdi", category));
        label.title = category;
        for (const [kind, subset] of shown) {
          const bar = make("i", "", `bar ${kind}`);
          bar.style.width = `${(100 * share(subset)) / highest}%`;
          bars.append(bar);
        }
        line.append(label, bars, make("span", `${(100 * share(name)).toFixed(1)} %`));
        line.title = shown.map(([, subset]) => `${subset} ${(100 * share(subset)).toFixed(1)} %`).join(", ");
        block.append(line);
      });
      return block;
    }));
  }

  function change() {
    const name = page.subsets[lit()], mean = page.summary[name]["mean tokens"];
    const told = `${name}: ${count(page.sizes[lit()])} rows${mean === null ? "" : `, ${mean.toFixed(0)} tokens a row`}`;
    get("lit").textContent = told;
    slider.setAttribute("aria-valuetext", told);
    [...get("stops").children].forEach((stop, place) => stop.classList.toggle("now", place === lit()));
    canvas.setAttribute("aria-label", `Map of ${count(page.rows)} rows; ${told}. The tables below hold its numbers.`);
    fillCharts();
    redraw(false);
    if (selected >= 0) describe(selected);
  }

  const findIn = (sorted, row) => { // −1 where it is not
    let [low, high] = [0, sorted.length - 1];
    while (low < high) { const middle = (low + high) >> 1; if (sorted[middle] < row) low = middle + 1; else high = middle; }
    return sorted[low] === row ? low : -1;
  };

  async function explain(row) {
    const { members, turns, reasons } = subsets[lit()], name = page.subsets[lit()], member = findIn(members, row);
    if (member < 0) {
      const sentence = page.reasons[reasons?.[row] ?? 0];
      return `Not in ${name}.${sentence ? ` ${sentence}` : ""}`;
    }
    const unit = (await words("units"))[lit()][member];
    return `In ${name}: turn ${count(turns[member] + 1)} of ${count(page.sizes[lit()])}${unit ? `, chosen for the unit “${unit}”` : ""}.`;
  }

  async function describe(row) {
    selected = row;
    const dial = lit();
    const [all, ids, reason] = [await words("texts"), await words("ids"), await explain(row)];
    if (selected !== row || dial !== lit()) return; // a later call describes
    const id = findIn(everyone, row), inside = page.subsets.filter((_, place) => findIn(subsets[place].members, row) >= 0);
    get("row-title").textContent = `Row ${count(row + 1)} of ${count(page.rows)}`;
    get("reason").textContent = reason;
    const facts = colourings.map((name) => [name, page.colourings[name][columns[name][row]] ?? `no ${name}`]);
    facts.push(["response tokens", count(columns.tokens[row])], ["in", inside.join(", ") || "no subset"]);
    if (id >= 0) facts.push(["id", ids[id]]);
    get("facts").replaceChildren(...facts.map(([name, value]) => {
      const pair = document.createElement("div"), description = document.createElement("dd");
      description.append(make("bdi", value));
      pair.append(make("dt", `${name}:`), description);
      return pair;
    }));
    [get("instruction").textContent, get("response").textContent] = all[row];
    redraw(false);
  }

  function findRow(event) {
    const box = canvas.getBoundingClientRect(), at = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    const nearest = (rows, length) => {
      let best = -1, least = (REACH * ratio) ** 2;
      for (let index = 0; index < length; index += 1) {
        const row = rows === null ? index : rows[index], [x, y] = place(row), distance = (x - at[0]) ** 2 + (y - at[1]) ** 2;
        if (distance < least) [best, least] = [row, distance];
      }
      return [best, Math.sqrt(least)];
    };
    const { members } = subsets[lit()], [member, distance] = nearest(members, members.length);
    return member >= 0 && distance < 6 * ratio ? member : nearest(null, page.rows)[0]; // what is lit lies on top
  }

  function step(forward) {
    const { members, turns, order } = subsets[lit()], member = findIn(members, selected), size = members.length;
    if (size === 0) return;
    const turn = member < 0 ? (forward ? 0 : size - 1) : (order.findIndex((index) => turns[index] === turns[member]) + (forward ? 1 : size - 1)) % size;
    describe(members[order[turn]]);
  }

  function zoom(factor) {
    if (selected >= 0 && factor > 1) {
      const [x, y] = place(selected);
      [view.x, view.y] = [view.x + (x / canvas.width - 0.5) / view.scale, view.y + (y / canvas.height - 0.5) / view.scale];
    }
    view.scale = Math.min(40, Math.max(1, view.scale * factor));
    move(0, 0);
  }

  function move(right, down) { // the map never leaves the view
    const half = 0.5 / view.scale, inside = (value) => Math.min(1 - half, Math.max(half, value));
    [view.x, view.y] = [inside(view.x - right / canvas.clientWidth / view.scale), inside(view.y - down / canvas.clientHeight / view.scale)];
    canvas.style.touchAction = view.scale > 1 ? "none" : "pan-y";
    redraw(true);
  }

  function fit() {
    ratio = Math.min(2, window.devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * ratio));
    if (width === 0 || height === 0) return; // the page is being left
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    redraw(true);
  }

  get("stops").append(...page.subsets.map((name, place) => {
    const stop = make("span", name.replace(/^degree /, ""));
    stop.addEventListener("click", () => { slider.value = place; change(); });
    return stop;
  }));
  slider.addEventListener("input", change);
  select.addEventListener("change", () => redraw(false));
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, moved: false }; });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null || event.buttons === 0) return;
    const [right, down] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(right, down) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    if (view.scale > 1) move(right, down);
  });
  canvas.addEventListener("pointerup", (event) => {
    const row = drag === null || drag.moved ? -1 : findRow(event);
    drag = null;
    if (row >= 0) describe(row);
  });
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  get("next").addEventListener("click", () => step(true));
  get("back").addEventListener("click", () => step(false));
  new ResizeObserver(fit).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(true));
  fit();
  change();
  document.body.dataset.ready = "yes";
}

start();
