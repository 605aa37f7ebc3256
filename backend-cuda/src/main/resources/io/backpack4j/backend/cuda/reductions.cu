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

struct Histogram {
    const real* x;
    u64* counts;
    i64 count;
    i64 bins;
    double low;
    double width;
};

// Whole numbers may be added in any order.
KERNEL(count_bins, Histogram) {
    EACH(i, p.count) {
        double place = floor(((double)p.x[i] - p.low) / p.width);
        if (place == place) {
            i64 bin = place < 0 ? 0 : place > (double)(p.bins - 1) ? p.bins - 1 : (i64)place;
            atomicAdd(p.counts + bin, 1ULL);
        }
    }
}

struct AddCounts {
    const u64* counts;
    real* destination;
    i64 bins;
};

KERNEL(add_counts, AddCounts) {
    EACH(i, p.bins) {
        p.destination[i] += (real)p.counts[i];
    }
}
