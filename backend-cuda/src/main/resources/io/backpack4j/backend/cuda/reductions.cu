// Many numbers become one, in an order that follows from shapes alone.

struct Reduce {
    const real* x;
    real* destination;
    i64 before;
    i64 reduced;
    i64 behind;
    i64 chunks;
    i64 length;
    i64 operation;
};

__device__ inline real join(i64 operation, real a, real b) {
    if (operation == REDUCTION_SUM) {
        return a + b;
    }
    if (operation == REDUCTION_MAXIMUM) {
        return a > b || a != a ? a : b;
    }
    return a < b || a != a ? a : b;
}

// A thread per result of [before, chunks, behind] from [before, reduced, behind]; a chunk has `length` elements.
KERNEL(reduce_columns, Reduce) {
    EACH(i, p.before * p.chunks * p.behind) {
        position b = i % (position)p.behind;
        position rest = i / (position)p.behind;
        position chunk = rest % (position)p.chunks;
        position a = rest / (position)p.chunks;
        i64 from = chunk * p.length;
        i64 to = from + p.length < p.reduced ? from + p.length : p.reduced;
        // An extremum may count an element twice, a sum may not.
        real result = p.operation == REDUCTION_SUM ? (real)0 : p.x[(a * p.reduced + from) * p.behind + b];
        for (i64 r = from; r < to; r++) {
            result = join(p.operation, result, p.x[(a * p.reduced + r) * p.behind + b]);
        }
        p.destination[i] = result;
    }
}

// A block per result of [before, chunks] from [before, reduced].
COOPERATIVE_KERNEL(reduce_rows, Reduce) {
    __shared__ real shared[BLOCK];
    EACH_OF_BLOCK(i, p.before * p.chunks) {
        position chunk = i % (position)p.chunks;
        position a = i / (position)p.chunks;
        i64 from = chunk * p.length;
        i64 to = from + p.length < p.reduced ? from + p.length : p.reduced;
        real result = p.operation == REDUCTION_SUM ? (real)0 : p.x[a * p.reduced + from];
        for (i64 r = from + threadIdx.x; r < to; r += BLOCK) {
            result = join(p.operation, result, p.x[a * p.reduced + r]);
        }
        shared[threadIdx.x] = result;
        __syncthreads();
        for (int half = BLOCK / 2; half > 0; half /= 2) {
            if (threadIdx.x < half) {
                shared[threadIdx.x] = join(p.operation, shared[threadIdx.x], shared[threadIdx.x + half]);
            }
            __syncthreads();
        }
        if (threadIdx.x == 0) {
            p.destination[i] = shared[0];
        }
        __syncthreads();
    }
}

struct Dots {
    const real* a;
    const real* b;
    double* sums;
    i64 rows;
    i64 elements;
    i64 step;
    i64 chunks;
    i64 length;
};

// sums[row, chunk] = the inner product of the chunk's elements, in double precision; a block per result. Rows of b are `step` apart.
COOPERATIVE_KERNEL(row_dots, Dots) {
    __shared__ double shared[BLOCK];
    EACH_OF_BLOCK(i, p.rows * p.chunks) {
        position chunk = i % (position)p.chunks;
        i64 row = i / (position)p.chunks;
        const real* a = p.a + row * p.elements;
        const real* b = p.b + row * p.step;
        i64 from = chunk * p.length;
        i64 to = from + p.length < p.elements ? from + p.length : p.elements;
        double sum = 0;
        for (i64 e = from + threadIdx.x; e < to; e += BLOCK) {
            sum += (double)a[e] * (double)b[e];
        }
        sum = block_sum(shared, sum);
        if (threadIdx.x == 0) {
            p.sums[i] = sum;
        }
    }
}

struct Sums {
    const double* sums;
    real* destination;
    i64 rows;
    i64 chunks;
};

// destination[row] = the sum of the row's chunks.
KERNEL(round_sums, Sums) {
    EACH(row, p.rows) {
        double sum = 0;
        for (i64 chunk = 0; chunk < p.chunks; chunk++) {
            sum += p.sums[row * p.chunks + chunk];
        }
        p.destination[row] = (real)sum;
    }
}

struct Finite {
    const real* x;
    i64* odd;
    i64 count;
};

// odd = 1 if an element is not finite; whoever writes, writes the same.
KERNEL(find_odd, Finite) {
    EACH(i, p.count) {
        if (p.x[i] - p.x[i] != 0) {
            *p.odd = 1;
        }
    }
}

struct Edges {
    const real* ranges;
    double* edges;
    i64 first;
    i64 bins;
    double factor;
};

// Inner edges of bins behind the first edge, which stands for itself. Products are rounded before they are added: fused, they would move zero off the middle.
KERNEL(make_edges, Edges) {
    EACH(one, 1) {
        double low = (double)p.ranges[p.first] * p.factor;
        double high = (double)p.ranges[p.first + 1] * p.factor;
        p.edges[one] = low;
        for (i64 i = 1; i < p.bins; i++) {
            volatile double below = low * (double)(p.bins - i);
            volatile double above = high * (double)i;
            double edge = (below + above) / (double)p.bins;
            p.edges[i] = i > 1 && p.edges[i - 1] > edge ? p.edges[i - 1] : edge;
        }
    }
}

// How many inner edges a number reaches, by halving; the number of bins for NaN.
__device__ inline i64 bin_of(double x, const double* edges, i64 bins) {
    if (x != x) {
        return bins;
    }
    i64 bin = 0;
    i64 end = bins;
    while (end - bin > 1) {
        i64 middle = (bin + end) / 2;
        if (x >= edges[middle]) {
            bin = middle;
        } else {
            end = middle;
        }
    }
    return bin;
}

struct Histogram {
    const real* x;
    const double* edges;
    u64* counts;
    i64 count;
    i64 bins;
};

// Whole numbers may be added in any order.
KERNEL(count_bins, Histogram) {
    EACH(i, p.count) {
        atomicAdd(p.counts + bin_of((double)p.x[i], p.edges, p.bins), 1ULL);
    }
}

struct JointHistogram {
    const real* x;
    const real* values;
    const double* edges;
    const double* edges_of_values;
    u64* counts;
    i64 count;
    i64 period;
    i64 bins;
    i64 bins_of_values;
};

KERNEL(count_pairs, JointHistogram) {
    EACH(i, p.count) {
        i64 row = bin_of((double)p.x[i], p.edges, p.bins);
        i64 column = bin_of((double)p.values[i % (position)p.period], p.edges_of_values, p.bins_of_values);
        atomicAdd(p.counts + row * (p.bins_of_values + 1) + column, 1ULL);
    }
}
