// Convolutions as matrix products: what lies under a window becomes a row.

struct Window {
    const real* source;
    real* destination;
    i64 samples;
    i64 groups;
    i64 channels;  // of a group
    i64 inputs;
    i64 outputs;
    i64 elements;
    i64 axes;
    i64 in[MAX_RANK];
    i64 out[MAX_RANK];
    i64 kernel[MAX_RANK];
    i64 stride[MAX_RANK];
    i64 padding[MAX_RANK];
    i64 dilation[MAX_RANK];
};

// Where element k of the window at output t lies in the input, or -1.
__device__ inline i64 input_of(const Window& p, i64 t, i64 k) {
    i64 place = 0;
    i64 below = 1;
    for (int axis = (int)p.axes - 1; axis >= 0; axis--) {
        i64 at = t % p.out[axis] * p.stride[axis] + k % p.kernel[axis] * p.dilation[axis] - p.padding[axis];
        if (at < 0 || at >= p.in[axis]) {
            return -1;
        }
        t /= p.out[axis];
        k /= p.kernel[axis];
        place += at * below;
        below *= p.in[axis];
    }
    return place;
}

// The output whose element k lies at input i, or -1.
__device__ inline i64 output_of(const Window& p, i64 i, i64 k) {
    i64 place = 0;
    i64 below = 1;
    for (int axis = (int)p.axes - 1; axis >= 0; axis--) {
        i64 shifted = i % p.in[axis] + p.padding[axis] - k % p.kernel[axis] * p.dilation[axis];
        i64 at = shifted / p.stride[axis];
        if (shifted < 0 || at * p.stride[axis] != shifted || at >= p.out[axis]) {
            return -1;
        }
        i /= p.in[axis];
        k /= p.kernel[axis];
        place += at * below;
        below *= p.out[axis];
    }
    return place;
}

// [N, G, outputs, channels, elements] from [N, G, channels, inputs]
KERNEL(unfold, Window) {
    EACH(i, p.samples * p.groups * p.outputs * p.channels * p.elements) {
        position k = i % (position)p.elements;
        position rest = i / (position)p.elements;
        position c = rest % (position)p.channels;
        rest /= (position)p.channels;
        position t = rest % (position)p.outputs;
        i64 group = rest / (position)p.outputs;
        i64 place = input_of(p, t, k);
        p.destination[i] = place < 0 ? (real)0 : p.source[(group * p.channels + c) * p.inputs + place];
    }
}

// [N, G, channels, inputs] from [N, G, outputs, channels, elements]: a thread per input adds what it was copied to
KERNEL(fold, Window) {
    EACH(i, p.samples * p.groups * p.channels * p.inputs) {
        position place = i % (position)p.inputs;
        position rest = i / (position)p.inputs;
        position c = rest % (position)p.channels;
        i64 group = rest / (position)p.channels;
        real sum = 0;
        for (i64 k = 0; k < p.elements; k++) {
            i64 t = output_of(p, place, k);
            if (t >= 0) {
                sum += p.source[((group * p.outputs + t) * p.channels + c) * p.elements + k];
            }
        }
        p.destination[i] = sum;
    }
}

// [N, G, inputs, channels, elements] from [N, G, channels, outputs]
KERNEL(unfold_transposed, Window) {
    EACH(i, p.samples * p.groups * p.inputs * p.channels * p.elements) {
        position k = i % (position)p.elements;
        position rest = i / (position)p.elements;
        position c = rest % (position)p.channels;
        rest /= (position)p.channels;
        position place = rest % (position)p.inputs;
        i64 group = rest / (position)p.inputs;
        i64 t = output_of(p, place, k);
        p.destination[i] = t < 0 ? (real)0 : p.source[(group * p.channels + c) * p.outputs + t];
    }
}
