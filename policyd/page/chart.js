// The pressure over time as an SVG: a curve, bands for the levels, a strip that shows the level.
// The text alternative is the caller's; arrow keys walk along the curve.

import { LEVELS, clock, fraction } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const LEFT = 36, RIGHT = 8, TOP = 10, STRIP = 8, BOTTOM = 36;
const HIGHEST = 2; // what is above is drawn at the top: how much above says little

function element(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

// Pieces of the curve: it breaks where nothing was known for a while.
function pieces(samples, gap) {
  const list = [];
  let piece = [];
  for (const sample of samples) {
    const last = piece[piece.length - 1];
    if (sample.pressure === null || (last && sample.time - last.time > gap)) {
      if (piece.length) list.push(piece);
      piece = [];
    }
    if (sample.pressure !== null) piece.push(sample);
  }
  if (piece.length) list.push(piece);
  return list;
}

export class Chart {
  constructor(box) {
    this.box = box;
    this.svg = document.createElementNS(SVG, 'svg');
    this.svg.setAttribute('role', 'img');
    this.svg.setAttribute('tabindex', '0');
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.tip.setAttribute('aria-hidden', 'true');
    box.append(this.svg, this.tip);
    this.svg.addEventListener('pointermove', (event) => this.pointAt(event.offsetX));
    this.svg.addEventListener('pointerleave', () => this.point(-1));
    this.svg.addEventListener('blur', () => this.point(-1));
    this.svg.addEventListener('keydown', (event) => this.walk(event));
    new ResizeObserver(() => this.data && this.draw()).observe(box);
    this.selected = -1;
  }

  // data: { samples: [{ time, pressure, level, busy, slot_limit }], from, to, interval,
  // thresholds: { elevated, stressed, critical }, label }
  show(data) {
    this.data = data;
    this.draw();
  }

  draw() {
    const { samples, from, to, thresholds, label } = this.data;
    const width = Math.max(this.svg.clientWidth, 120), height = Math.max(this.svg.clientHeight, 120);
    const floor = height - BOTTOM;
    const peak = Math.max(0, ...samples.map((s) => s.pressure ?? 0));
    const highest = Math.max(thresholds.critical * 1.15, Math.min(peak * 1.05, HIGHEST));
    this.x = (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT - RIGHT);
    this.y = (pressure) => floor - (Math.min(pressure, highest) / highest) * (floor - TOP);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.svg.setAttribute('aria-label', label);
    this.svg.replaceChildren();
    this.drawBands(thresholds, highest, width);
    this.drawGrid(highest, peak, width, floor);
    this.drawCurve(floor);
    this.drawStrip(floor + 6);
    this.point(this.selected);
  }

  drawBands(thresholds, highest, width) {
    const edges = LEVELS.slice(1).map((level) => thresholds[level]);
    LEVELS.slice(1).forEach((level, i) => {
      const top = this.y(Math.min(edges[i + 1] ?? highest, highest)), bottom = this.y(edges[i]);
      element(this.svg, 'rect', {
        class: `band ${level}`, x: LEFT, y: top, width: width - LEFT - RIGHT, height: Math.max(bottom - top, 0),
      });
      element(this.svg, 'line', {
        class: `threshold ${level}`, x1: LEFT, x2: width - RIGHT, y1: bottom, y2: bottom,
      });
      element(this.svg, 'text', { class: `name ${level}`, x: LEFT + 6, y: bottom - 4 }, level);
    });
  }

  drawGrid(highest, peak, width, floor) {
    const step = [0.2, 0.5, 1, 2, 5, 10, 20, 50].find((s) => highest / s <= 6) ?? 100;
    for (let value = 0; value <= highest; value += step) {
      const y = this.y(value);
      element(this.svg, 'line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y, y2: y });
      element(this.svg, 'text', { class: 'axis', x: LEFT - 6, y: y + 4, 'text-anchor': 'end' },
        `${value + step > highest && peak > highest ? '≥' : ''}${value.toFixed(step < 1 ? 1 : 0)}`);
    }
    const { from, to } = this.data;
    const minutes = [1, 5, 10, 15, 20, 30].find((m) => (to - from) / 60 / m <= Math.max(2, width / 90)) ?? 30;
    for (let time = Math.ceil(from / 60 / minutes) * 60 * minutes; time <= to; time += minutes * 60) {
      const x = this.x(time);
      if (x < LEFT + 14 || x > width - RIGHT - 14) continue;
      element(this.svg, 'text', { class: 'axis', x, y: floor + 32, 'text-anchor': 'middle' }, clock(time, false));
    }
  }

  drawCurve(floor) {
    for (const piece of pieces(this.data.samples, this.data.interval * 4)) {
      const points = piece.map((s) => `${this.x(s.time).toFixed(1)},${this.y(s.pressure).toFixed(1)}`);
      const first = this.x(piece[0].time).toFixed(1), last = this.x(piece[piece.length - 1].time).toFixed(1);
      element(this.svg, 'path', { class: 'area', d: `M${first},${floor}L${points.join('L')}L${last},${floor}Z` });
      element(this.svg, 'path', { class: 'curve', d: `M${points.length > 1 ? points.join('L') : `${points[0]}h2`}` });
    }
  }

  drawStrip(top) {
    const { samples, interval } = this.data;
    samples.forEach((sample, i) => {
      const before = samples[i - 1];
      const start = before && sample.time - before.time <= interval * 4 ? before.time : sample.time - interval;
      const x = Math.max(this.x(start), LEFT);
      const width = this.x(sample.time) - x;
      if (width > 0)
        element(this.svg, 'rect', { class: `strip ${sample.level}`, x, y: top, width: width + 0.4, height: STRIP });
    });
  }

  pointAt(x) {
    let nearest = -1, distance = 30;
    this.data?.samples.forEach((sample, i) => {
      const d = Math.abs(this.x(sample.time) - x);
      if (d < distance) [nearest, distance] = [i, d];
    });
    this.point(nearest);
  }

  walk(event) {
    const last = (this.data?.samples.length ?? 0) - 1;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12, Home: -1e6, End: 1e6 }[event.key];
    if (step === undefined || last < 0) return;
    event.preventDefault();
    const from = this.selected < 0 ? last : this.selected;
    this.point(Math.min(Math.max(from + step, 0), last));
  }

  point(index) {
    const sample = this.data?.samples[index];
    this.selected = sample ? index : -1;
    this.tip.hidden = !sample;
    for (const old of this.svg.querySelectorAll('.cursor, .dot')) old.remove();
    if (!sample) return;
    const x = this.x(sample.time);
    element(this.svg, 'line', { class: 'cursor', x1: x, x2: x, y1: TOP, y2: this.svg.clientHeight - BOTTOM });
    if (sample.pressure !== null) element(this.svg, 'circle', { class: 'dot', cx: x, cy: this.y(sample.pressure), r: 4 });
    const slots = sample.busy === null ? '' : `, ${sample.busy} of ${sample.slot_limit} busy`;
    this.tip.textContent = `${clock(sample.time)}  ${fraction(sample.pressure)}, ${sample.level}${slots}`;
    const room = this.box.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.min(Math.max(x - this.tip.offsetWidth / 2, 0), Math.max(room, 0))}px`;
  }
}
