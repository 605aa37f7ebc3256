// Philox4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw 2011), as CounterRandom has it: to the last bit.

// What random numbers depend on beside the sample and the place in it.
struct RandomKey {
    u64 seed;
    u64 stream;
    i64 draw;
};

// SplitMix64's finaliser (Steele, Lea, Flood 2014)
__device__ inline u64 mix(u64 z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

__device__ inline double uniform_number(const RandomKey& random, i64 sample, u64 place) {
    u64 key = mix(random.seed + 0x9E3779B97F4A7C15ULL * random.stream);
    u32 key0 = (u32)key;
    u32 key1 = (u32)(key >> 32);
    u32 c0 = (u32)place;
    u32 c1 = (u32)random.draw;
    u32 c2 = (u32)(u64)sample;
    u32 c3 = (u32)((u64)sample >> 32);
    for (int round = 0; round < 10; round++) {
        u64 product0 = (u64)0xD2511F53u * c0;
        u64 product1 = (u64)0xCD9E8D57u * c2;
        u32 next0 = (u32)(product1 >> 32) ^ c1 ^ key0;
        u32 next2 = (u32)(product0 >> 32) ^ c3 ^ key1;
        c1 = (u32)product1;
        c3 = (u32)product0;
        c0 = next0;
        c2 = next2;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    u64 all = (u64)c0 << 32 | c1;
    return (double)(all >> 11) * (1.0 / 9007199254740992.0);
}

struct Draw {
    const i64* samples;
    real* destination;
    i64 count;
    i64 length;
    RandomKey random;
};

KERNEL(uniform, Draw) {
    EACH(i, p.count * p.length) {
        position n = i / (position)p.length;
        position at = i - n * (position)p.length;
        p.destination[i] = (real)uniform_number(p.random, p.samples[n], at);
    }
}

// Box and Muller, one number of each pair
KERNEL(normal, Draw) {
    EACH(i, p.count * p.length) {
        position n = i / (position)p.length;
        u64 at = i - n * (position)p.length;
        double radius = sqrt(-2 * log(1 - uniform_number(p.random, p.samples[n], 2 * at)));
        p.destination[i] = (real)(radius * cos(2 * 3.14159265358979323846 * uniform_number(p.random, p.samples[n], 2 * at + 1)));
    }
}

struct Categorical {
    const i64* samples;
    const real* probabilities;
    i64* destination;
    i64 count;
    i64 classes;
    i64 positions;
    RandomKey random;
};

// The first class whose cumulated probability exceeds a uniform number, or else the last possible one; in double precision.
KERNEL(categorical, Categorical) {
    EACH(i, p.count * p.positions) {
        position n = i / (position)p.positions;
        position at = i - n * (position)p.positions;
        double uniform = uniform_number(p.random, p.samples[n], at);
        double cumulated = 0;
        i64 label = 0;
        for (i64 c = 0; c < p.classes; c++) {
            double probability = p.probabilities[(n * p.classes + c) * p.positions + at];
            cumulated += probability;
            if (probability > 0) {
                label = c;
            }
            if (uniform < cumulated) {
                label = c;
                break;
            }
        }
        p.destination[i] = label;
    }
}
