"use strict";
// The forward pass of the network, in plain JavaScript: one image in, probabilities out. Knows nothing of the page.
// Maps are Float32Arrays in the order (row, column, channel). The operations are those of operations.py.

const TILE = 16; // places whose windows lie side by side in the processor's cache

// What `load` makes of the file: each operation with its weights and the shape of what goes into it.
function load(network, base64) {
  const numbers = decoded(base64, network.bytes);
  let start = 0;
  return network.operations.map((step) => {
    const weights = step.weights.map(({ length, scales }) =>
      Float32Array.from(numbers.subarray(start, (start += length)), (whole, n) => whole * scales[n % scales.length]));
    const from = step.takes[0] < 0 ? network.input : network.operations[step.takes[0]].shape;
    if (step.kind === "convolution") weights[0] = packed(weights[0], step.shape[2]);
    return { ...step, weights, from };
  });
}

// Whole numbers of so many bytes each, the lowest byte first and the highest with the sign.
function decoded(base64, width) {
  const bytes = atob(base64), numbers = new Int32Array(bytes.length / width);
  for (let n = 0; n < numbers.length; n++) {
    let bits = 0;
    for (let byte = 0; byte < width; byte++) bits |= bytes.charCodeAt(n * width + byte) << (8 * (byte + 4 - width));
    numbers[n] = bits >> (8 * (4 - width));
  }
  return numbers;
}

// A kernel (inputs, filters) in blocks of four filters, as `multiply` reads it: (filters / 4, inputs, 4).
function packed(kernel, filters) {
  const inputs = kernel.length / filters, result = new Float32Array(Math.ceil(filters / 4) * 4 * inputs);
  for (let input = 0; input < inputs; input++)
    for (let filter = 0; filter < filters; filter++)
      result[((filter >> 2) * inputs + input) * 4 + (filter & 3)] = kernel[input * filters + filter];
  return result;
}

function run(steps, image) {
  const results = [];
  for (const step of steps) results.push(OPERATIONS[step.kind](step, ...step.takes.map((n) => (n < 0 ? image : results[n]))));
  return results[results.length - 1];
}

const OPERATIONS = {
  // Windows are laid out as rows of a matrix, and the matrix is multiplied by the kernels (im2col).
  convolution(step, x) {
    const [rows, columns, filters] = step.shape, [kernel, bias] = step.weights;
    const { size } = step.options, inputs = size * size * step.from[2], places = rows * columns;
    const windows = new Float32Array(TILE * inputs), result = new Float32Array(places * filters);
    for (let first = 0; first < places; first += TILE) {
      const count = Math.min(TILE, places - first);
      windows.fill(0);
      for (let n = 0; n < count; n++) gather(step, x, first + n, windows, n * inputs);
      multiply(windows, count, inputs, kernel, bias, result, first * filters, filters);
    }
    return result;
  },

  "depthwise convolution"(step, x) {
    const channels = step.shape[2], [kernel, bias] = step.weights;
    return slide(step, x, (sums) => sums.set(bias), (sums, at, tap) => {
      for (let c = 0; c < channels; c++) sums[c] += x[at + c] * kernel[tap * channels + c];
    });
  },

  "max pooling"(step, x) {
    return slide(step, x, (best) => best.fill(-Infinity), (best, at) => {
      for (let c = 0; c < best.length; c++) if (x[at + c] > best[c]) best[c] = x[at + c];
    });
  },

  "average pooling"(step, x) {
    let count; // places of the window within the image: zeros around it do not count
    return slide(step, x, (sums) => { count = 0; sums.fill(0); }, (sums, at) => {
      for (let c = 0; c < sums.length; c++) sums[c] += x[at + c];
      count++;
    }, (sums) => { for (let c = 0; c < sums.length; c++) sums[c] /= count; });
  },

  "depthwise max pooling"(step, x) {
    const { size } = step.options;
    return Float32Array.from({ length: x.length / size }, (_, n) => Math.max(...x.subarray(n * size, (n + 1) * size)));
  },

  "global average pooling"(step, x) {
    const places = x.length / step.shape[step.shape.length - 1];
    return perChannel(step, x, 0, (sum, value) => sum + value / places);
  },
  "global max pooling": (step, x) => perChannel(step, x, -Infinity, Math.max),
  flatten: (step, x) => x,

  dense(step, x) {
    const [kernel, bias] = step.weights, units = bias.length, sums = Float64Array.from(bias);
    for (let n = 0; n < x.length; n++) {
      if (x[n] === 0) continue;
      for (let unit = 0; unit < units; unit++) sums[unit] += x[n] * kernel[n * units + unit];
    }
    return Float32Array.from(sums);
  },

  add: (step, x, y) => x.map((value, n) => value + y[n]),
  multiply: (step, x, y) => x.map((value, n) => value * y[n % y.length]), // maps, and a factor for each of them

  rescaling(step, x) {
    const { scale, offset } = step.options;
    return x.map((value, n) => value * scale[n % scale.length] + offset[n % offset.length]);
  },

  concatenate(step, x, y) {
    const all = step.shape[step.shape.length - 1], own = step.from[step.from.length - 1], other = all - own;
    const result = new Float32Array((x.length / own) * all);
    for (let n = 0; n < x.length / own; n++) {
      result.set(x.subarray(n * own, (n + 1) * own), n * all);
      result.set(y.subarray(n * other, (n + 1) * other), n * all + own);
    }
    return result;
  },

  activation: (step, x) => FUNCTIONS[step.options.function](x),
};

const FUNCTIONS = {
  relu: (x) => x.map((value) => (value > 0 ? value : 0)),
  relu6: (x) => x.map((value) => (value > 0 ? (value < 6 ? value : 6) : 0)),
  leaky_relu: (x) => x.map((value) => (value > 0 ? value : 0.2 * value)),
  gelu: (x) => x.map((value) => 0.5 * value * (1 + erf(value / Math.SQRT2))),
  tanh: (x) => x.map(Math.tanh),
  sigmoid: (x) => x.map((value) => 1 / (1 + Math.exp(-value))),
  silu: (x) => x.map((value) => value / (1 + Math.exp(-value))),
  hard_sigmoid: (x) => x.map(hardSigmoid),
  hard_silu: (x) => x.map((value) => value * hardSigmoid(value)),
  softmax(x) {
    const highest = Math.max(...x), powers = x.map((value) => Math.exp(value - highest));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  },
};

function hardSigmoid(x) {
  return Math.min(Math.max(x / 6 + 0.5, 0), 1);
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: wrong by at most 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

// Calls `tap(index in x, number of the weight)` for each place of a window that lies inside the image.
function around(step, place, tap) {
  const { size, stride, dilation, pads } = step.options, [height, width, channels] = step.from;
  const columns = step.shape[1], row = Math.floor(place / columns) * stride - pads[0], column = (place % columns) * stride - pads[1];
  for (let u = 0; u < size; u++) {
    const y = row + u * dilation;
    if (y < 0 || y >= height) continue;
    for (let v = 0; v < size; v++) {
      const z = column + v * dilation;
      if (z >= 0 && z < width) tap((y * width + z) * channels, u * size + v);
    }
  }
}

function gather(step, x, place, windows, start) {
  const channels = step.from[2];
  around(step, place, (at, tap) => {
    for (let c = 0, to = start + tap * channels; c < channels; c++) windows[to + c] = x[at + c];
  });
}

// What a window makes of each channel by itself.
function slide(step, x, begin, tap, end = () => {}) {
  const [rows, columns, channels] = step.shape, result = new Float32Array(rows * columns * channels);
  for (let place = 0; place < rows * columns; place++) {
    const values = result.subarray(place * channels, (place + 1) * channels);
    begin(values);
    around(step, place, (at, number) => tap(values, at, number));
    end(values);
  }
  return result;
}

function perChannel(step, x, start, join) {
  const channels = step.shape[step.shape.length - 1], result = new Float64Array(channels).fill(start);
  for (let n = 0; n < x.length; n++) result[n % channels] = join(result[n % channels], x[n]);
  return Float32Array.from(result);
}

// Most of the time is spent here: rows (count, inputs) times a packed kernel, four rows by four filters at a time, whose
// sixteen sums stay in the processor's registers. Rows beyond the last are zeros.
function multiply(rows, count, inputs, kernel, bias, result, start, filters) {
  const sums = new Float64Array(16);
  for (let filter = 0; filter < filters; filter += 4) {
    for (let row = 0; row < count; row += 4) {
      let a = row * inputs, b = a + inputs, c = b + inputs, d = c + inputs, k = filter * inputs;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      let c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
      for (const end = b; a < end; a++, b++, c++, d++, k += 4) {
        const p = rows[a], q = rows[b], r = rows[c], s = rows[d];
        const w0 = kernel[k], w1 = kernel[k + 1], w2 = kernel[k + 2], w3 = kernel[k + 3];
        a0 += p * w0; a1 += p * w1; a2 += p * w2; a3 += p * w3;
        b0 += q * w0; b1 += q * w1; b2 += q * w2; b3 += q * w3;
        c0 += r * w0; c1 += r * w1; c2 += r * w2; c3 += r * w3;
        d0 += s * w0; d1 += s * w1; d2 += s * w2; d3 += s * w3;
      }
      sums.set([a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3]);
      for (let n = 0; n < Math.min(4, count - row); n++)
        for (let f = 0; f < Math.min(4, filters - filter); f++)
          result[start + (row + n) * filters + filter + f] = sums[n * 4 + f] + bias[filter + f];
    }
  }
}
