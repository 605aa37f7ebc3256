// What becomes of a run of tiles x_b: numbers `first` to `first + count` (exclusive) of a batch, with `elements` numbers each.

#define SUM 0
#define SUM_OF_SQUARES 1
#define MOST_CONSUMERS 4

struct Consumer {
    real* destination;
    const real* center;   // per element, or null
    const real* weights;  // per tile of the batch, or null
    i64 kind;
};

struct Consume {
    const real* tiles;
    i64 count;
    i64 first;
    i64 elements;
    i64 chunks;
    i64 length;
    i64 consumers;
    Consumer each[MOST_CONSUMERS];
};

// destination[chunk, e] += Σ over the chunk's tiles, for all consumers at once: every tile is read once. A thread per element and chunk.
KERNEL(consume_elements, Consume) {
    EACH(i, p.chunks * p.elements) {
        position chunk = i / (position)p.elements;
        position e = i - chunk * (position)p.elements;
        i64 from = chunk * p.length;
        i64 to = from + p.length < p.count ? from + p.length : p.count;
        real sums[MOST_CONSUMERS];
        for (int c = 0; c < MOST_CONSUMERS; c++) {
            sums[c] = 0;
        }
        for (i64 b = from; b < to; b++) {
            real x = p.tiles[b * p.elements + e];
#pragma unroll
            for (int c = 0; c < MOST_CONSUMERS; c++) {
                if (c < p.consumers) {
                    if (p.each[c].kind == SUM) {
                        sums[c] += x;
                    } else {
                        real distance = p.each[c].center ? x - p.each[c].center[e] : x;
                        real weight = p.each[c].weights ? p.each[c].weights[p.first + b] : (real)1;
                        sums[c] += weight * distance * distance;
                    }
                }
            }
        }
#pragma unroll
        for (int c = 0; c < MOST_CONSUMERS; c++) {
            if (c < p.consumers) {
                p.each[c].destination[i] += sums[c];
            }
        }
    }
}

struct PerSample {
    const real* tiles;
    real* destination;
    const real* weights;  // per tile of the batch, or null
    i64 count;
    i64 first;
    i64 elements;
    i64 samples;
};

// destination[b mod N] += w_b x_b²; a thread per destination among the run's samples.
KERNEL(consume_samples, PerSample) {
    i64 different = p.count < p.samples ? p.count : p.samples;
    EACH(i, different * p.elements) {
        position run = i / (position)p.elements;
        position e = i - run * (position)p.elements;
        real sum = 0;
        for (i64 b = run; b < p.count; b += p.samples) {
            real x = p.tiles[b * p.elements + e];
            real weight = p.weights ? p.weights[p.first + b] : (real)1;
            sum += weight * x * x;
        }
        p.destination[(p.first + run) % p.samples * p.elements + e] += sum;
    }
}
