// Line plots over time, in plain SVG.

import { make, makeSvg } from './dom.js';

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [220, 40, 12, 12, 24];
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockExact = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/// Rounds up to the next of 1, 2, 5, 10, 20 …
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value * (1 - 1e-9));
}

const number = (value) => (value === null ? '–' : String(Number(value.toPrecision(3))));

export class Plot {
  /// `lines` has the name and key of each line. `least` is the minimum upper bound of the axis.
  constructor(container, label, lines, least) {
    this.lines = lines;
    this.least = least;
    this.chosen = null;
    this.points = [];
    this.container = container;
    this.width = 720;
    this.svg = makeSvg('svg', { height: HEIGHT, role: 'img', tabindex: 0, 'aria-label': label });
    this.readout = make('output', { class: 'readout' });
    const legend = lines.map(({ name }, index) => make('li', {},
      make('span', { class: `swatch line-${index}`, 'aria-hidden': 'true' }), name));
    container.replaceChildren(make('ul', { class: 'legend' }, ...legend), this.svg, this.readout);
    this.svg.addEventListener('pointermove', (event) => this.choose(this.under(event)));
    this.svg.addEventListener('pointerleave', () => this.choose(null));
    this.svg.addEventListener('blur', () => this.choose(null));
    this.svg.addEventListener('keydown', (event) => this.step(event));
  }

  show(points) {
    this.points = points;
    // Drawn at the width of the container, so that text is not scaled.
    this.width = this.container.clientWidth || this.width;
    this.svg.setAttribute('viewBox', `0 0 ${this.width} ${HEIGHT}`);
    const values = points.flatMap((point) => this.lines.map(({ key }) => point[key] ?? 0));
    const tick = round(Math.max(this.least, ...values) / 4);
    this.top = tick * Math.max(1, Math.ceil(Math.max(this.least, ...values) / tick));
    const parts = [];
    for (let value = 0; value <= this.top * 1.001; value += tick) {
      const y = this.y(value);
      parts.push(makeSvg('line', { class: 'grid', x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }));
      parts.push(makeSvg('text', { class: 'tick', x: LEFT - 8, y: y + 4, 'text-anchor': 'end' }, number(value)));
    }
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const index = Math.round(share * (points.length - 1));
      const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
      parts.push(makeSvg('text', { class: 'tick', x: this.x(index), y: HEIGHT - 6, 'text-anchor': anchor },
        clock.format(points[index].at * 1000)));
    }
    this.lines.forEach(({ key }, line) => {
      parts.push(makeSvg('path', { class: `line line-${line}`, d: this.path(key) }));
    });
    this.cursor = makeSvg('line', { class: 'cursor', y1: TOP, y2: HEIGHT - BOTTOM, visibility: 'hidden' });
    this.svg.replaceChildren(...parts, this.cursor);
    this.choose(this.chosen);
  }

  x(index) {
    return LEFT + (index * (this.width - LEFT - RIGHT)) / Math.max(1, this.points.length - 1);
  }

  y(value) {
    return HEIGHT - BOTTOM - (value * (HEIGHT - TOP - BOTTOM)) / this.top;
  }

  /// Returns the path of a line. Missing values are gaps, and a single point is drawn as a dash.
  path(key) {
    let isDown = false;
    return this.points.map((point, index) => {
      const value = point[key];
      if (value === null) {
        isDown = false;
        return '';
      }
      const [x, y] = [this.x(index).toFixed(1), this.y(value).toFixed(1)];
      const move = isDown ? `L${x} ${y}` : `M${x} ${y}h0.1`;
      isDown = true;
      return move;
    }).join('');
  }

  under(event) {
    const { left, width } = this.svg.getBoundingClientRect();
    const x = ((event.clientX - left) * this.width) / width;
    const index = Math.round(((x - LEFT) * (this.points.length - 1)) / (this.width - LEFT - RIGHT));
    return Math.min(Math.max(index, 0), this.points.length - 1);
  }

  step(event) {
    const last = this.points.length - 1;
    const from = this.chosen ?? last + 1;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(Math.min(Math.max(to, 0), last));
  }

  choose(index) {
    this.chosen = index;
    const point = this.points[index ?? this.points.length - 1];
    if (!point || !this.cursor) return;
    const values = this.lines.map(({ name, key }) => `${name} ${number(point[key])}`).join(' · ');
    const when = clockExact.format(point.at * 1000);
    this.readout.value = `${index === null ? 'Latest' : 'From'} ${when}: ${values}`;
    this.cursor.setAttribute('visibility', index === null ? 'hidden' : 'visible');
    this.cursor.setAttribute('x1', this.x(index ?? 0));
    this.cursor.setAttribute('x2', this.x(index ?? 0));
  }
}
