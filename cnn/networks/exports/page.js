"use strict";
// The page around the network: a drawing or a file becomes its input in named steps, and its probabilities become bars.

const read = (id) => document.getElementById(id).textContent;
const element = (id) => document.getElementById(id);
const NETWORK = JSON.parse(read("operations"));
const [HEIGHT, WIDTH, CHANNELS] = NETWORK.input;
const SIDE = 560; // longest edge of the board, in pixels
const LISTED = 20; // of more classes, only so many of the most probable are shown
const DARKEST = 31; // grey values up to this one are background
const FILLING = 170; // grey value inside an outline
const BOX = NETWORK.reading === "shape" ? 20 / 28 : 1; // of the input's edges, that whatever stands out fills
const SQUEEZED = 2; // how many times narrower or wider a photo may become; what is more is filled up at the edges
const dark = matchMedia("(prefers-color-scheme: dark)");

// ---------------------------------------------------------------- the network, in a thread of its own where possible

const waiting = []; // who waits for an answer, first come first served
let worker = null, loaded = null;
try {
  const listen = "let steps; onmessage = ({ data }) => { if (data.network) steps = load(data.network, data.weights); else postMessage(run(steps, data)); };";
  worker = new Worker(URL.createObjectURL(new Blob([read("forward"), listen], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => waiting.shift()(data);
  worker.onerror = () => { worker = null; busy = false; show(); };
  worker.postMessage({ network: NETWORK, weights: read("weights") });
} catch {
  worker = null; // a browser that allows no thread to a file
}

// For other scripts and tests: pixels in [0, 1], in the order (row, column, channel) -> a promise of the probabilities.
window.predict = (pixels) => {
  const image = Float32Array.from(pixels);
  if (!worker) return Promise.resolve(run((loaded ??= load(NETWORK, read("weights"))), image));
  return new Promise((resolve) => { waiting.push(resolve); worker.postMessage(image); });
};

// ---------------------------------------------------------------- the board

const board = element("board"), pen = board.getContext("2d", { willReadFrequently: true });
const done = []; // what was done, for Undo: a stroke { width, points }, an image { image }, or { cleared: true }
let stroke = null; // the one that is being drawn

// What is on the board: everything since it was last cleared, or since an image was opened.
function shown() {
  const last = done.findLastIndex((act) => !act.points);
  return done.slice(done[last]?.image ? last : last + 1);
}

function draw() {
  const acts = shown(), image = acts[0]?.image;
  const scale = image ? SIDE / Math.max(image.naturalWidth, image.naturalHeight) : 1;
  board.width = image ? Math.max(1, Math.round(image.naturalWidth * scale)) : Math.round((SIDE * WIDTH) / Math.max(WIDTH, HEIGHT));
  board.height = image ? Math.max(1, Math.round(image.naturalHeight * scale)) : Math.round((SIDE * HEIGHT) / Math.max(WIDTH, HEIGHT));
  pen.fillStyle = dark.matches && !image ? "#000" : "#fff";
  pen.fillRect(0, 0, board.width, board.height);
  pen.imageSmoothingQuality = "high";
  if (image) pen.drawImage(image, 0, 0, board.width, board.height);
  for (const act of acts) if (act.points) line(act, 0);
  element("undo").disabled = !done.length;
  element("clear").disabled = !acts.length;
  element("filling").hidden = NETWORK.reading !== "garment" || Boolean(image);
  show();
}

// Draws a stroke from one of its points on.
function line({ width, points }, from) {
  pen.strokeStyle = dark.matches && !shown()[0]?.image ? "#fff" : "#000";
  pen.lineWidth = width * SIDE;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  const [x, y] = points[Math.max(0, from - 1)];
  pen.moveTo(x, y);
  pen.lineTo(x + 0.01, y); // a line without length would not be drawn, and a single point is a dot
  for (const [x, y] of points.slice(from)) pen.lineTo(x, y);
  pen.stroke();
}

function begin(point) {
  stroke = { width: Number(element("pen").value), points: [point] };
  done.push(stroke);
  draw();
}

function extend(points) {
  const from = stroke.points.push(...points) - points.length;
  line(stroke, from);
  show();
}

const place = (event) => [(event.offsetX * board.width) / board.clientWidth, (event.offsetY * board.height) / board.clientHeight];
board.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  board.setPointerCapture(event.pointerId);
  begin(place(event));
});
board.addEventListener("pointermove", (event) => {
  if (!stroke || !board.hasPointerCapture(event.pointerId)) return;
  const all = event.getCoalescedEvents?.() ?? []; // a slow page gets many at once
  extend((all.length ? all : [event]).map(place));
});
for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => { stroke = null; });

let cursor = null; // where the keyboard's pen is
board.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  cursor ??= [board.width / 2, board.height / 2];
  if (event.key === " ") {
    if (stroke) stroke = null; else begin(cursor);
  } else if (step) {
    cursor = [0, 1].map((axis) => Math.min(Math.max(cursor[axis] + (step[axis] * SIDE) / 40, 0), [board.width, board.height][axis]));
    if (stroke) extend([cursor]);
  } else return;
  event.preventDefault();
  const ring = element("ring");
  ring.hidden = false;
  ring.className = stroke ? "down" : "";
  [ring.style.left, ring.style.top] = [`${(100 * cursor[0]) / board.width}%`, `${(100 * cursor[1]) / board.height}%`];
});
board.addEventListener("blur", () => { stroke = null; element("ring").hidden = true; });

element("undo").onclick = () => { done.pop(); draw(); };
element("clear").onclick = () => { done.push({ cleared: true }); draw(); };
element("fill").onchange = show;
dark.addEventListener("change", draw);
for (const id of ["file", "photo"]) element(id).onchange = ({ target }) => {
  const image = new Image();
  image.onload = () => { done.push({ image }); draw(); };
  image.onerror = () => { element("answer").textContent = "This file is not an image that the browser can open."; };
  if (target.files[0]) image.src = URL.createObjectURL(target.files[0]);
  target.value = "";
};

// ---------------------------------------------------------------- from the board to the network's input

// Pixels in [0, 1], in the order (row, column, channel), and what was done, in words; null where the board is empty.
function prepared() {
  const { width, height } = board, rgba = pen.getImageData(0, 0, width, height).data, notes = [];
  const grey = new Float32Array(width * height);
  for (let n = 0; n < grey.length; n++) grey[n] = 0.299 * rgba[4 * n] + 0.587 * rgba[4 * n + 1] + 0.114 * rgba[4 * n + 2];
  if (NETWORK.reading === "photo") {
    if (!shown().length) return null;
    const planes = CHANNELS === 1 ? [grey] : [0, 1, 2].map((channel) => Float32Array.from({ length: width * height }, (_, n) => rgba[4 * n + channel]));
    return photo(planes, width, height);
  }
  if (median(border(grey, width, height)) > 127) {
    for (let n = 0; n < grey.length; n++) grey[n] = 255 - grey[n];
    notes.push("Light background: inverted");
  }
  if (element("fill").checked && !element("filling").hidden && filled(grey, width, height)) notes.push("outlines filled");
  let left = width, top = height, right = -1, bottom = -1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (grey[y * width + x] <= DARKEST) continue;
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = y;
    }
  if (right < 0) return null;
  const across = right - left + 1, down = bottom - top + 1, scale = BOX * Math.min(WIDTH / across, HEIGHT / down);
  const w = Math.max(1, Math.round(across * scale)), h = Math.max(1, Math.round(down * scale));
  const small = resized(grey, width, height, [left, top, across, down], w, h), pixels = new Float32Array(HEIGHT * WIDTH * CHANNELS);
  const [x, y] = corner(small, w, h);
  for (let n = 0; n < w * h; n++)
    pixels.fill(small[n] / 255, ((y + Math.floor(n / w)) * WIDTH + x + (n % w)) * CHANNELS, ((y + Math.floor(n / w)) * WIDTH + x + (n % w) + 1) * CHANNELS);
  notes.push(`cropped to ${across}×${down} pixels`, `scaled to ${w}×${h}`, `padded to ${WIDTH}×${HEIGHT}`);
  return { pixels, notes };
}

// Where what stands out begins on the input: in its middle, of a shape by its centre of mass.
function corner(small, w, h) {
  if (BOX === 1) return [Math.round((WIDTH - w) / 2), Math.round((HEIGHT - h) / 2)];
  let mass = 0, x = 0, y = 0;
  small.forEach((value, n) => { mass += value; x += value * ((n % w) + 0.5); y += value * (Math.floor(n / w) + 0.5); });
  const within = (place, room) => Math.min(Math.max(Math.round(place), 0), room);
  return [within(WIDTH / 2 - x / mass, WIDTH - w), within(HEIGHT / 2 - y / mass, HEIGHT - h)];
}

// The whole image, squeezed to the input; one that would be squeezed more than twofold is filled up with the mean of
// its edges.
function photo(planes, width, height) {
  const aspect = WIDTH / HEIGHT, notes = [];
  const wide = Math.max(width, Math.round((height * aspect) / SQUEEZED)), high = Math.max(height, Math.round(width / aspect / SQUEEZED));
  if (wide > width || high > height) notes.push("Filled up at the edges");
  const scaled = planes.map((plane) => {
    if (!notes.length) return resized(plane, width, height, [0, 0, width, height], WIDTH, HEIGHT);
    const ends = [];
    for (let n = 0; n < (high > height ? width : height); n++)
      ends.push(...(high > height ? [plane[n], plane[(height - 1) * width + n]] : [plane[n * width], plane[n * width + width - 1]]));
    const larger = new Float32Array(wide * high).fill(ends.reduce((a, b) => a + b) / ends.length);
    const left = Math.floor((wide - width) / 2), top = Math.floor((high - height) / 2);
    for (let y = 0; y < height; y++) larger.set(plane.subarray(y * width, (y + 1) * width), (top + y) * wide + left);
    return resized(larger, wide, high, [0, 0, wide, high], WIDTH, HEIGHT);
  });
  notes.push(`${notes.length ? "scaled" : "Scaled"} to ${WIDTH}×${HEIGHT} pixels`);
  return { pixels: Float32Array.from({ length: HEIGHT * WIDTH * CHANNELS }, (_, n) => scaled[n % CHANNELS][Math.floor(n / CHANNELS)] / 255), notes };
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function border(plane, width, height) {
  const values = [...plane.subarray(0, width), ...plane.subarray(width * (height - 1))];
  for (let y = 0; y < height; y++) values.push(plane[y * width], plane[y * width + width - 1]);
  return values;
}

// Gives a tone to background that cannot be reached from the border; returns whether there was any.
function filled(grey, width, height) {
  const outside = new Uint8Array(grey.length), open = [];
  const reach = (n) => { if (!outside[n] && grey[n] <= 127) { outside[n] = 1; open.push(n); } };
  for (let x = 0; x < width; x++) { reach(x); reach(width * (height - 1) + x); }
  for (let y = 0; y < height; y++) { reach(y * width); reach(y * width + width - 1); }
  while (open.length) {
    const n = open.pop(), x = n % width;
    if (x) reach(n - 1);
    if (x < width - 1) reach(n + 1);
    if (n >= width) reach(n - width);
    if (n < width * (height - 1)) reach(n + width);
  }
  let found = false;
  for (let n = 0; n < grey.length; n++) if (!outside[n] && grey[n] < FILLING) { grey[n] = FILLING; found = true; }
  return found;
}

// A part (left, top, width, height) of a plane in another size: each new pixel is the mean of the area that it covers.
function resized(plane, width, height, [left, top, across, down], w, h) {
  const narrow = averaged((x, y) => plane[y * width + x], width, height, left, across, w);
  return turned(averaged((y, x) => narrow[y * w + x], height, w, top, down, h), h, w);
}

// Along the rows only: value(x, y) for x < width, y < height -> (height, count).
function averaged(value, width, height, from, length, count) {
  const result = new Float32Array(height * count), step = length / count;
  for (let n = 0; n < count; n++) {
    const start = from + n * step, end = Math.min(start + step, width);
    for (let x = Math.floor(start); x < end; x++) {
      const part = (Math.min(x + 1, end) - Math.max(x, start)) / (end - start);
      for (let y = 0; y < height; y++) result[y * count + n] += part * value(x, y);
    }
  }
  return result;
}

const turned = (plane, rows, columns) => plane.map((_, n) => plane[(n % columns) * rows + Math.floor(n / columns)]);

// ---------------------------------------------------------------- the answer

let busy = false, stale = false;

// Predict what is on the board; while one answer is on its way, only the newest image is kept.
async function show() {
  stale = true;
  if (busy) return;
  busy = true;
  await new Promise(requestAnimationFrame);
  while (stale) {
    stale = false;
    const input = prepared();
    paint(input);
    bars(input && (await window.predict(input.pixels)));
  }
  busy = false;
}

function paint(input) {
  const canvas = element("input"), image = new ImageData(WIDTH, HEIGHT);
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  for (let n = 0; n < WIDTH * HEIGHT; n++)
    for (let c = 0; c < 4; c++) image.data[4 * n + c] = c === 3 ? 255 : input ? Math.round(255 * input.pixels[n * CHANNELS + (c % CHANNELS)]) : 0;
  canvas.getContext("2d").putImageData(image, 0, 0);
  const words = input ? input.notes.join(", ") : "empty";
  element("steps").textContent = input ? words[0].toUpperCase() + words.slice(1) + "." : `What is made of your image: ${WIDTH}×${HEIGHT} pixels.`;
  canvas.setAttribute("aria-label", `Network input, ${WIDTH}×${HEIGHT} pixels: ${words}`);
}

function bars(probabilities) {
  const order = NETWORK.classes.map((_, n) => n);
  if (order.length > LISTED && probabilities) order.sort((a, b) => probabilities[b] - probabilities[a]);
  const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
  const percent = (n) => `${(100 * probabilities[n]).toFixed(1)}%`;
  element("answer").textContent = probabilities ? `${NETWORK.classes[best]} ${percent(best)}` : "Draw, or choose an image";
  element("bars").replaceChildren(...order.slice(0, LISTED).map((n) => {
    const row = document.createElement("li"), [name, bar, value] = ["name", "bar", "value"].map((kind) => Object.assign(document.createElement("span"), { className: kind }));
    name.textContent = name.title = NETWORK.classes[n];
    value.textContent = probabilities ? percent(n) : "";
    bar.append(document.createElement("span"));
    bar.firstChild.style.width = probabilities ? percent(n) : "0";
    row.className = n === best ? "best" : "";
    row.append(name, bar, value);
    return row;
  }));
}

if (NETWORK.reading === "shape") element("pen").value = "0.1"; // strokes as thick as MNIST's
draw();
