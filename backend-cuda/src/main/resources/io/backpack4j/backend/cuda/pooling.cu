// Maxima under windows, and the ways back.

struct Maximum {
    const real* x;
    real* destination;
    i64* places;
    i64 count;
    i64 inputs;
    i64 outputs;
    i64 axes;
    i64 adaptive;
    i64 in[MAX_RANK];
    i64 out[MAX_RANK];
    i64 kernel[MAX_RANK];
    i64 stride[MAX_RANK];
    i64 padding[MAX_RANK];
    i64 dilation[MAX_RANK];
};

// A thread per output. Windows are walked row-major and only something larger replaces what was found, so the first of equal ones stays.
KERNEL(maximum, Maximum) {
    EACH(i, p.count) {
        position plane = i / (position)p.outputs;
        i64 rest = i - plane * (position)p.outputs;
        i64 begin[MAX_RANK];
        i64 step[MAX_RANK];
        i64 size[MAX_RANK];
        i64 elements = 1;
        for (int axis = (int)p.axes - 1; axis >= 0; axis--) {
            i64 t = rest % p.out[axis];
            rest /= p.out[axis];
            if (p.adaptive) {
                begin[axis] = t * p.in[axis] / p.out[axis];
                step[axis] = 1;
                size[axis] = ((t + 1) * p.in[axis] + p.out[axis] - 1) / p.out[axis] - begin[axis];
            } else {
                begin[axis] = t * p.stride[axis] - p.padding[axis];
                step[axis] = p.dilation[axis];
                size[axis] = p.kernel[axis];
            }
            elements *= size[axis];
        }
        const real* values = p.x + plane * p.inputs;
        i64 best = -1;
        for (i64 element = 0; element < elements; element++) {
            i64 left = element;
            i64 place = 0;
            i64 below = 1;
            bool inside = true;
            for (int axis = (int)p.axes - 1; axis >= 0; axis--) {
                i64 at = begin[axis] + left % size[axis] * step[axis];
                left /= size[axis];
                inside = inside && at >= 0 && at < p.in[axis];
                place += at * below;
                below *= p.in[axis];
            }
            if (inside) {
                bool larger = best < 0 || values[place] > values[best]
                              || (values[place] != values[place] && values[best] == values[best]);
                best = larger ? place : best;
            }
        }
        p.destination[i] = values[best];
        p.places[i] = best;
    }
}

struct Places {
    const real* source;
    const i64* places;
    real* destination;
    i64 planes;
    i64 indexed;
    i64 inputs;
    i64 outputs;
};

// A block per plane. A thread owns every BLOCK-th input and goes through all outputs, so sums have the order of the outputs.
KERNEL(scatter, Places) {
    EACH_OF_BLOCK(plane, p.planes) {
        real* target = p.destination + plane * p.inputs;
        const real* source = p.source + plane * p.outputs;
        const i64* places = p.places + plane % (position)p.indexed * p.outputs;
        for (i64 i = threadIdx.x; i < p.inputs; i += BLOCK) {
            target[i] = 0;
        }
        for (i64 t = 0; t < p.outputs; t++) {
            i64 place = places[t];
            if (place % BLOCK == threadIdx.x) {
                target[place] += source[t];
            }
        }
    }
}

KERNEL(gather, Places) {
    EACH(i, p.planes * p.outputs) {
        position plane = i / (position)p.outputs;
        position t = i - plane * (position)p.outputs;
        i64 place = p.places[plane % (position)p.indexed * p.outputs + t];
        p.destination[i] = p.source[plane * p.inputs + place];
    }
}
