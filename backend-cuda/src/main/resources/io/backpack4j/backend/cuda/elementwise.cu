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

// x g(x), its first or second derivative, g being a gate from 0 to 1 with derivatives first and second.
__device__ inline real gated(i64 order, real x, real gate, real first, real second) {
    return order == 0 ? x * gate : order == 1 ? gate + x * first : 2 * first + x * second;
}

__device__ inline real gelu(i64 order, real x) {
    real size = fabs(x) > (real)GELU_RANGE ? (real)GELU_RANGE : fabs(x);
    real density = exp(-size * size / 2) * (real)0.39894228040143267794;
    real tail = erfc(size * (real)0.70710678118654752440) / 2;
    real near = x < 0 ? -size : size;
    return gated(order, x, x > 0 ? 1 - tail : tail, density, -near * density);
}

__device__ inline real gelu_tanh(i64 order, real x) {
    real size = fabs(x) > (real)GELU_RANGE ? (real)GELU_RANGE : fabs(x);
    real near = x < 0 ? -size : size;
    real scale = (real)GELU_TANH_SCALE;
    real cubic = (real)GELU_TANH_CUBIC * near * near;
    real argument = scale * near * (1 + cubic);
    real change = scale * (1 + 3 * cubic);
    real bend = 6 * scale * (real)GELU_TANH_CUBIC * near - tanh(argument / 2) * change * change;
    real slope = sigmoid_derivative(argument);
    return gated(order, x, sigmoid(argument), slope * change, slope * bend);
}

__device__ inline real silu(i64 order, real x) {
    real slope = sigmoid_derivative(x);
    return gated(order, x, sigmoid(x), slope, -slope * tanh(x / 2));
}

__device__ inline real mish(i64 order, real x) {
    real e = exp(-fabs(x));
    int positive = x > 0;
    real d = positive ? 1 + e * (2 + 2 * e) : 2 + e * (2 + e);
    real gate = (positive ? 1 + 2 * e : e * (2 + e)) / d;
    real first = 4 * e * (positive ? e * (1 + e) : 1 + e) / (d * d);
    real bend = positive ? e * (e * (2 * e * (e + 1) - 3) - 2) : 2 + e * (2 - e * (3 + 2 * e));
    return gated(order, x, gate, first, 4 * e * bend / (d * d * d));
}

__device__ inline real softplus(i64 order, real beta, real threshold, real x) {
    real argument = beta * x;
    if (argument > threshold) {
        return order == 0 ? x : order == 1 ? (real)1 : (real)0;
    }
    return order == 0   ? ((argument > 0 ? argument : (real)0) + log1p(exp(-fabs(argument)))) / beta
           : order == 1 ? sigmoid(argument)
                        : beta * sigmoid_derivative(argument);
}

__device__ inline real softsign(i64 order, real x) {
    real inverse = 1 / (1 + fabs(x));
    real sign = x > 0 ? (real)1 : x < 0 ? (real)-1 : (real)0;
    return order == 0 ? x * inverse : order == 1 ? inverse * inverse : -2 * sign * inverse * inverse * inverse;
}

__device__ inline real hardtanh(i64 order, real low, real high, real x) {
    if (order == 0) {
        return x < low ? low : x > high ? high : x;
    }
    return order == 1 && x > low && x < high ? 1 : 0;
}

__device__ inline real hardsigmoid(i64 order, real x) {
    return order == 0 ? hardtanh(0, 0, 6, x + 3) / 6 : hardtanh(order, -3, 3, x) / 6;
}

__device__ inline real hardswish(i64 order, real x) {
    if (order == 0) {
        return x * hardsigmoid(0, x);
    }
    real inside = hardtanh(1, -3, 3, x);
    return order == 2 ? inside / 3 : x >= 3 ? (real)1 : inside != 0 ? x / 3 + (real)0.5 : (real)0;
}

// Whether of_order has the function; the kinds from GELU on.
__device__ inline int has_orders(i64 kind) {
    return kind >= ACTIVATION_GELU;
}

__device__ inline real of_order(i64 kind, i64 order, real parameter, real second, real x) {
    switch (kind) {
        case ACTIVATION_GELU:
            return gelu(order, x);
        case ACTIVATION_GELU_TANH:
            return gelu_tanh(order, x);
        case ACTIVATION_SILU:
            return silu(order, x);
        case ACTIVATION_MISH:
            return mish(order, x);
        case ACTIVATION_SOFTPLUS:
            return softplus(order, parameter, second, x);
        case ACTIVATION_SOFTSIGN:
            return softsign(order, x);
        case ACTIVATION_HARDTANH:
            return hardtanh(order, parameter, second, x);
        case ACTIVATION_HARDSIGMOID:
            return hardsigmoid(order, x);
        default:  // ACTIVATION_HARDSWISH
            return hardswish(order, x);
    }
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
    double second;
};

KERNEL(activate, Activate) {
    real parameter = (real)p.parameter;
    EACH(i, p.count) {
        real x = p.x[i];
        p.destination[i] = has_orders(p.kind) ? of_order(p.kind, p.order, parameter, (real)p.second, x)
                           : p.order == 0   ? activation_value(p.kind, parameter, x)
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
    double second;
};

KERNEL(pull, Pull) {
    real parameter = (real)p.parameter;
    EACH(i, p.count) {
        real saved = p.saved[i % (position)p.period];
        real factor = has_orders(p.kind) ? of_order(p.kind, p.order, parameter, (real)p.second, saved)
                      : p.order == 1 ? first_from_saved(p.kind, parameter, p.from_output, saved)
                                   : second_from_saved(p.kind, parameter, p.from_output, saved);
        p.destination[i] = p.cotangents[i] * factor;
    }
}
