// Operations that treat every element alike.

struct Fill {
    bits* destination;
    i64 count;
    u64 value;
};

KERNEL(fill, Fill) {
    EACH(i, p.count) {
        p.destination[i] = (bits)p.value;
    }
}

struct Convert {
    const void* source;
    void* destination;
    i64 count;
    i64 from;
    i64 to;
};

// As Java converts: to the nearest integer towards zero, NaN to 0, too large numbers to the largest.
__device__ inline i64 to_integer(double x) {
    return x != x ? 0 : x >= 9223372036854775807.0 ? 9223372036854775807LL : x <= -9223372036854775808.0 ? (i64)(1ULL << 63) : (i64)x;
}

KERNEL(convert, Convert) {
    EACH(i, p.count) {
        double x = p.from == TYPE_FLOAT32   ? (double)((const float*)p.source)[i]
                   : p.from == TYPE_FLOAT64 ? ((const double*)p.source)[i]
                                            : (double)((const i64*)p.source)[i];
        if (p.to == TYPE_FLOAT32) {
            ((float*)p.destination)[i] = (float)x;
        } else if (p.to == TYPE_FLOAT64) {
            ((double*)p.destination)[i] = x;
        } else {
            ((i64*)p.destination)[i] = to_integer(x);
        }
    }
}

struct Map {
    const real* x;
    real* destination;
    i64 count;
    i64 operation;
};

__device__ inline real unary(i64 operation, real x) {
    switch (operation) {
        case UNARY_NEGATE:
            return -x;
        case UNARY_ABS:
            return fabs(x);
        case UNARY_SIGN:
            return x > 0 ? (real)1 : x < 0 ? (real)-1 : x;
        case UNARY_EXP:
            return exp(x);
        case UNARY_LOG:
            return log(x);
        case UNARY_LOG1P:
            return log1p(x);
        case UNARY_EXPM1:
            return expm1(x);
        case UNARY_SQRT:
            return sqrt(x);
        case UNARY_SQUARE:
            return x * x;
        case UNARY_RECIPROCAL:
            return 1 / x;
        case UNARY_TANH:
            return tanh(x);
        default:  // UNARY_POSITIVE
            return x > 0 ? 1 : 0;
    }
}

KERNEL(map, Map) {
    EACH(i, p.count) {
        p.destination[i] = unary(p.operation, p.x[i]);
    }
}

struct Combine {
    const real* a;
    const real* b;
    real* destination;
    i64 count;
    i64 operation;
    i64 rank;
    i64 sizes[MAX_RANK];
    i64 strides_a[MAX_RANK];
    i64 strides_b[MAX_RANK];
};

__device__ inline real binary(i64 operation, real a, real b) {
    switch (operation) {
        case BINARY_ADD:
            return a + b;
        case BINARY_SUBTRACT:
            return a - b;
        case BINARY_MULTIPLY:
            return a * b;
        case BINARY_DIVIDE:
            return a / b;
        case BINARY_MAXIMUM:
            return a > b || a != a ? a : b;
        default:  // BINARY_MINIMUM
            return a < b || a != a ? a : b;
    }
}

KERNEL(combine, Combine) {
    EACH(i, p.count) {
        position rest = i;
        position at_a = 0;
        position at_b = 0;
        for (int axis = (int)p.rank - 1; axis > 0; axis--) {
            position size = (position)p.sizes[axis];
            position next = rest / size;
            position index = rest - next * size;
            at_a += index * (position)p.strides_a[axis];
            at_b += index * (position)p.strides_b[axis];
            rest = next;
        }
        at_a += rest * (position)p.strides_a[0];
        at_b += rest * (position)p.strides_b[0];
        p.destination[i] = binary(p.operation, p.a[at_a], p.b[at_b]);
    }
}

struct Affine {
    const real* x;
    real* destination;
    i64 count;
    double scale;
    double offset;
};

KERNEL(affine, Affine) {
    real scale = (real)p.scale;
    real offset = (real)p.offset;
    EACH(i, p.count) {
        p.destination[i] = scale * p.x[i] + offset;
    }
}

struct AddScaled {
    const real* x;
    real* destination;
    i64 count;
    double alpha;
};

KERNEL(add_scaled, AddScaled) {
    real alpha = (real)p.alpha;
    EACH(i, p.count) {
        p.destination[i] += alpha * p.x[i];
    }
}

// Activations, in forms that neither overflow nor cancel; the same as the portable ones.

__device__ inline real sigmoid(real x) {
    return exp(x < 0 ? x : (real)0) / (1 + exp(-fabs(x)));
}

__device__ inline real sigmoid_derivative(real x) {
    real tail = exp(-fabs(x));
    return tail / ((1 + tail) * (1 + tail));
}

__device__ inline real elu(real x, real alpha, real scale) {
    return x > 0 ? scale * x : x <= 0 ? scale * alpha * expm1(x) : x;
}

__device__ inline real activation_value(i64 kind, real parameter, real x) {
    switch (kind) {
        case ACTIVATION_RELU:
            return x > 0 || x != x ? x : (real)0;
        case ACTIVATION_LEAKY_RELU:
            return x > 0 ? x : parameter * x;
        case ACTIVATION_ELU:
            return elu(x, parameter, 1);
        case ACTIVATION_SELU:
            return elu(x, (real)SELU_ALPHA, (real)SELU_SCALE);
        case ACTIVATION_SIGMOID:
            return sigmoid(x);
        case ACTIVATION_TANH:
            return tanh(x);
        default:  // ACTIVATION_LOG_SIGMOID
            return (x > 0 ? (real)0 : x) - log1p(exp(-fabs(x)));
    }
}

__device__ inline real activation_first(i64 kind, real parameter, real x) {
    switch (kind) {
        case ACTIVATION_RELU:
            return x > 0 ? 1 : 0;
        case ACTIVATION_LEAKY_RELU:
            return x > 0 ? (real)1 : parameter;
        case ACTIVATION_ELU:
            return x > 0 ? (real)1 : parameter * exp(x);
        case ACTIVATION_SELU:
            return (real)SELU_SCALE * (x > 0 ? (real)1 : (real)SELU_ALPHA * exp(x));
        case ACTIVATION_SIGMOID:
            return sigmoid_derivative(x);
        case ACTIVATION_TANH:
            // 1 - tanh² loses all digits for large |x|
            return 4 * sigmoid(2 * x) * sigmoid(-2 * x);
        default:  // ACTIVATION_LOG_SIGMOID
            return sigmoid(-x);
    }
}

__device__ inline real activation_second(i64 kind, real parameter, real x) {
    switch (kind) {
        case ACTIVATION_RELU:
        case ACTIVATION_LEAKY_RELU:
            return 0;
        case ACTIVATION_ELU:
            return x > 0 ? (real)0 : parameter * exp(x);
        case ACTIVATION_SELU:
            return x > 0 ? (real)0 : (real)SELU_SCALE * (real)SELU_ALPHA * exp(x);
        case ACTIVATION_SIGMOID:
            return -sigmoid_derivative(x) * tanh(x / 2);
        case ACTIVATION_TANH:
            return -2 * tanh(x) * activation_first(kind, parameter, x);
        default:  // ACTIVATION_LOG_SIGMOID
            return -sigmoid_derivative(x);
    }
}

// f'(x), given what is saved: x for ACTIVATION_LOG_SIGMOID and where the caller says so, else y = f(x).
__device__ inline real first_from_saved(i64 kind, real parameter, i64 from_output, real saved) {
    if (!from_output) {
        return activation_first(kind, parameter, saved);
    }
    switch (kind) {
        case ACTIVATION_RELU:
            return saved > 0 ? 1 : 0;
        case ACTIVATION_LEAKY_RELU:
            return saved > 0 ? (real)1 : parameter;
        case ACTIVATION_ELU:
            return saved > 0 ? (real)1 : saved + parameter;
        case ACTIVATION_SELU:
            return saved > 0 ? (real)SELU_SCALE : saved + (real)(SELU_SCALE * SELU_ALPHA);
        case ACTIVATION_SIGMOID:
            return saved * (1 - saved);
        default:  // ACTIVATION_TANH
            return (1 - saved) * (1 + saved);
    }
}

__device__ inline real second_from_saved(i64 kind, real parameter, i64 from_output, real saved) {
    if (!from_output) {
        return activation_second(kind, parameter, saved);
    }
    switch (kind) {
        case ACTIVATION_RELU:
        case ACTIVATION_LEAKY_RELU:
            return 0;
        case ACTIVATION_ELU:
            return saved > 0 ? (real)0 : saved + parameter;
        case ACTIVATION_SELU:
            return saved > 0 ? (real)0 : saved + (real)(SELU_SCALE * SELU_ALPHA);
        case ACTIVATION_SIGMOID:
            return saved * (1 - saved) * (1 - 2 * saved);
        default:  // ACTIVATION_TANH
            return -2 * saved * (1 - saved) * (1 + saved);
    }
}

struct Activate {
    const real* x;
    real* destination;
    i64 count;
    i64 kind;
    i64 order;
    double parameter;
};

KERNEL(activate, Activate) {
    real parameter = (real)p.parameter;
    EACH(i, p.count) {
        real x = p.x[i];
        p.destination[i] = p.order == 0   ? activation_value(p.kind, parameter, x)
                           : p.order == 1 ? activation_first(p.kind, parameter, x)
                                          : activation_second(p.kind, parameter, x);
    }
}

// destination = cotangents ⊙ f'(saved), or f''; the cotangents repeat what is saved.
struct Pull {
    const real* saved;
    const real* cotangents;
    real* destination;
    i64 count;
    i64 period;
    i64 kind;
    i64 order;
    i64 from_output;
    double parameter;
};

KERNEL(pull, Pull) {
    real parameter = (real)p.parameter;
    EACH(i, p.count) {
        real saved = p.saved[i % (position)p.period];
        real factor = p.order == 1 ? first_from_saved(p.kind, parameter, p.from_output, saved)
                                   : second_from_saved(p.kind, parameter, p.from_output, saved);
        p.destination[i] = p.cotangents[i] * factor;
    }
}
