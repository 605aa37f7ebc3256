// Elements change places.

// destination[i…] = source[i…], each with strides and a start of its own.
struct Move {
    const bits* source;
    bits* destination;
    i64 count;
    i64 rank;
    i64 sizes[MAX_RANK];
    i64 strides_source[MAX_RANK];
    i64 strides_destination[MAX_RANK];
    i64 start_source;
    i64 start_destination;
};

KERNEL(move, Move) {
    EACH(i, p.count) {
        position rest = i;
        i64 from = p.start_source;
        i64 to = p.start_destination;
        for (int axis = (int)p.rank - 1; axis > 0; axis--) {
            position size = (position)p.sizes[axis];
            position next = rest / size;
            position index = rest - next * size;
            from += index * p.strides_source[axis];
            to += index * p.strides_destination[axis];
            rest = next;
        }
        from += rest * p.strides_source[0];
        to += rest * p.strides_destination[0];
        p.destination[to] = p.source[from];
    }
}

struct GatherRows {
    const bits* source;
    const i64* indices;
    bits* destination;
    i64 count;
    i64 length;
};

KERNEL(gather_rows, GatherRows) {
    EACH(i, p.count * p.length) {
        position row = i / (position)p.length;
        p.destination[i] = p.source[p.indices[row] * p.length + (i - row * (position)p.length)];
    }
}

struct AddRows {
    const real* source;
    const i64* indices;
    real* destination;
    i64 count;
    i64 length;
    i64 slots;
};

// A thread per column and slot; it owns the rows of its slot, and so adds repeated ones in their order.
KERNEL(add_rows, AddRows) {
    EACH(i, p.slots * p.length) {
        position slot = i / (position)p.length;
        position column = i - slot * (position)p.length;
        for (i64 n = 0; n < p.count; n++) {
            i64 row = p.indices[n];
            if (row % p.slots == slot) {
                p.destination[row * p.length + column] += p.source[n * p.length + column];
            }
        }
    }
}

struct Pick {
    const bits* x;
    const i64* indices;
    bits* destination;
    i64 count;
    i64 size;
    i64 behind;
};

KERNEL(pick, Pick) {
    EACH(i, p.count) {
        position a = i / (position)p.behind;
        position b = i - a * (position)p.behind;
        p.destination[i] = p.x[(a * p.size + p.indices[i]) * p.behind + b];
    }
}

struct AddAt {
    const i64* indices;
    real* destination;
    i64 count;
    i64 size;
    i64 behind;
    double value;
};

KERNEL(add_at, AddAt) {
    EACH(i, p.count) {
        position a = i / (position)p.behind;
        position b = i - a * (position)p.behind;
        p.destination[(a * p.size + p.indices[i]) * p.behind + b] += (real)p.value;
    }
}
