// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_add;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_div;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_lt;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_max;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_mul;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_sub;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_abs;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_clip;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_elu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_elu_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_exp;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_linear;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_logistic_use_dst_for_bwd;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_pow;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_soft_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_sqrt;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_square;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_swish;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_tanh;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_tanh_use_dst_for_bwd;

import io.backpack4j.backend.cpu.loops.Broadcast;
import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.AdamStep;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.MomentumStep;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/** Element-wise operations on single precision by oneDNN, where it is exact enough, keeps NaN, and is worth a call. */
final class DnnlElementwise implements Elementwise {

    /** Below this many elements a loop is done before oneDNN starts. */
    private static final long WORTH_A_CALL = 512;

    /** So is one that takes numbers from memory, up to twice as many: oneDNN takes longer to start with these. */
    private static final long WORTH_A_SCALED_CALL = 1024;

    /** Below this many elements one loop over all operands is done before several calls of oneDNN are. */
    private static final long WORTH_SEVERAL_CALLS = 16_384;

    private static final int NONE = -1;

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Elementwise host;

    DnnlElementwise(NativeBackend backend, DnnlContexts contexts, Elementwise host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void fill(Tensor destination, double value) {
        host.fill(destination, value);
    }

    @Override
    public void copy(Tensor source, Tensor destination) {
        CpuTensor from = backend.asItLies(source);
        CpuTensor to = backend.asItLies(destination);
        if (!isWorthIt(from) || !to.isSingle() || !copy(from, to)) {
            host.copy(source, destination);
        }
    }

    @Override
    public void apply(UnaryOperation operation, Tensor x, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        boolean worthIt = from.isSingle() && from.elements >= (isCostly(operation) ? WORTH_A_CALL / 8 : WORTH_A_CALL);
        if (!worthIt || !apply(operation, from, to)) {
            host.apply(operation, x, destination);
        }
    }

    private static boolean isCostly(UnaryOperation operation) {
        return operation == UnaryOperation.EXP || operation == UnaryOperation.TANH;
    }

    private boolean apply(UnaryOperation operation, CpuTensor x, CpuTensor destination) {
        return switch (operation) {
            case NEGATE -> eltwise(dnnl_eltwise_linear, -1, 0, x, destination);
            case ABS -> eltwise(dnnl_eltwise_abs, 0, 0, x, destination);
            case EXP -> compare(dnnl_eltwise_exp, dnnl_binary_max, x, destination);
            case SQRT -> eltwise(dnnl_eltwise_sqrt, 0, 0, x, destination);
            case SQUARE -> eltwise(dnnl_eltwise_square, 0, 0, x, destination);
            case RECIPROCAL -> eltwise(dnnl_eltwise_pow, 1, -1, x, destination);
            case TANH -> eltwise(dnnl_eltwise_tanh, 0, 0, x, destination);
            case POSITIVE -> compare(dnnl_eltwise_clip, dnnl_binary_lt, x, destination);
            // no counterpart, or none that is exact
            case SIGN, LOG, LOG1P, EXPM1 -> false;
        };
    }

    @Override
    public void combine(BinaryOperation operation, Tensor a, Tensor b, Tensor destination) {
        CpuTensor left = backend.asItLies(a);
        CpuTensor right = backend.asItLies(b);
        CpuTensor to = backend.asItLies(destination);
        if (!isWorthIt(to) || !combine(operation, left, right, to)) {
            host.combine(operation, a, b, destination);
        }
    }

    private boolean combine(BinaryOperation operation, CpuTensor a, CpuTensor b, CpuTensor to) {
        int algorithm = algorithm(operation);
        if (algorithm == NONE) {
            return false;
        }
        if (a.elements == to.elements && b.elements == to.elements) {
            backend.align(to, List.of(a, b));
            long[] sizes = {to.elements};
            return binary(algorithm, sizes, sizes, 1, a, b, to);
        }
        if (stretchesWithinOrder(a, b, to)) {
            backend.align(to, List.of(a));
            long[] sizes = {to.elements / b.elements, b.elements};
            return binary(algorithm, sizes, new long[] {1, b.elements}, 1, a, b, to);
        }
        backend.makeRowMajor(a.block);
        backend.makeRowMajor(b.block);
        backend.makeRowMajor(to.block);
        Broadcast plan = Broadcast.of(a.shape(), b.shape(), to.shape());
        if (a.elements == to.elements) {
            return binary(algorithm, plan.sizes(), plan.kept(plan.stridesB()), 1, a, b, to);
        }
        if (b.elements != to.elements || operation == BinaryOperation.DIVIDE) {
            return false;
        }
        // a - b = -(b - a)
        double scale = operation == BinaryOperation.SUBTRACT ? -1 : 1;
        return binary(algorithm, plan.sizes(), plan.kept(plan.stridesA()), scale, b, a, to);
    }

    @Override
    public void combine(
            BinaryOperation first, Tensor a, Tensor b, BinaryOperation second, Tensor c, Tensor destination) {
        CpuTensor left = backend.asItLies(a);
        CpuTensor to = backend.asItLies(destination);
        boolean done = isWorthIt(to) && combine(first, left, backend.asItLies(b), second, backend.asItLies(c), to);
        if (!done) {
            Elementwise.super.combine(first, a, b, second, c, destination);
        }
    }

    /** Where b and c are as many numbers that stretch as a lies. */
    private boolean combine(
            BinaryOperation first, CpuTensor a, CpuTensor b, BinaryOperation second, CpuTensor c, CpuTensor to) {
        int algorithm = algorithm(first);
        int next = algorithm(second);
        boolean stretch = b.elements == c.elements && stretchesWithinOrder(a, b, to) && stretchesWithinOrder(a, c, to);
        if (algorithm == NONE || next == NONE || !stretch) {
            return false;
        }
        backend.align(to, List.of(a));
        long[] sizes = {to.elements / b.elements, b.elements};
        DnnlContext context = contexts.get();
        PrimitiveKey key =
                context.key(DnnlKind.BINARY_TWICE).add(algorithm).add(next).add(sizes);
        DnnlPrimitive primitive = context.get(
                key,
                Cost.elements(to.elements),
                () -> DnnlRecipes.binaryTwice(algorithm, next, sizes, new long[] {1, b.elements}));
        return primitive.usable()
                && run(
                        context,
                        primitive
                                .at(0, a.address())
                                .at(1, b.address())
                                .at(2, c.address())
                                .at(3, to.address()));
    }

    /**
     * Whether b stretches over a, which keeps channels last, as it lies: one number per channel, or the trailing axes
     * in the same order.
     */
    private static boolean stretchesWithinOrder(CpuTensor a, CpuTensor b, CpuTensor to) {
        boolean ordered = a.block.arrangement instanceof Arrangement.ChannelsLast
                && a.isAligned()
                && a.elements == to.elements
                && b.elements > 0
                && to.coversBlock();
        if (!ordered) {
            return false;
        }
        int rank = a.shape().rank();
        int axes = b.shape().rank();
        while (axes > 0 && b.shape().size(-axes) == 1) {
            axes--;
        }
        boolean perChannel = axes > 1
                && a.isChannelsLast(axes - 1)
                && b.elements == b.shape().size(-axes)
                && b.elements == a.shape().size(-axes)
                && b.block.arrangement == null;
        boolean trailing = axes <= rank
                && Arrangement.same(List.of(a, b))
                && a.shape()
                        .slice(rank - axes, rank)
                        .equals(b.shape().dropFirst(b.shape().rank() - axes));
        return perChannel || trailing;
    }

    /** oneDNN's maximum and minimum lose NaN. */
    private static int algorithm(BinaryOperation operation) {
        return switch (operation) {
            case ADD -> dnnl_binary_add;
            case SUBTRACT -> dnnl_binary_sub;
            case MULTIPLY -> dnnl_binary_mul;
            case DIVIDE -> dnnl_binary_div;
            case MAXIMUM, MINIMUM -> NONE;
        };
    }

    @Override
    public void affine(Tensor x, double scale, double offset, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        if (!isWorthScaling(from) || !affine(from, scale, offset, to)) {
            host.affine(x, scale, offset, destination);
        }
    }

    @Override
    public void addScaled(double alpha, Tensor x, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        if (!isWorthIt(from) || !addScaled(alpha, from, to)) {
            host.addScaled(alpha, x, destination);
        }
    }

    @Override
    public void addScaled(double alpha, Tensor x, double beta, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        if (!isWorthIt(from) || !addScaled(alpha, from, beta, to)) {
            host.addScaled(alpha, x, beta, destination);
        }
    }

    /** Two or three sums by oneDNN where memory bounds them; a loop that reads all once is done sooner below that. */
    @Override
    public void momentum(Tensor gradient, Tensor buffer, Tensor value, MomentumStep step) {
        CpuTensor to = backend.asItLies(value);
        if (to.isSingle() && to.elements >= WORTH_SEVERAL_CALLS) {
            Elementwise.super.momentum(gradient, buffer, value, step);
        } else {
            host.momentum(gradient, buffer, value, step);
        }
    }

    @Override
    public void adam(Tensor gradient, Tensor mean, Tensor square, Tensor value, AdamStep step) {
        host.adam(gradient, mean, square, value, step);
    }

    @Override
    public void activation(Activation activation, int order, Tensor x, Tensor destination) {
        CpuTensor from = backend.asItLies(x);
        CpuTensor to = backend.asItLies(destination);
        boolean costly = !activation.isPiecewiseLinear() && from.isSingle() && from.elements >= WORTH_A_CALL / 8;
        if (order != 0 || !(costly || isWorthIt(from)) || !activate(activation, from, to)) {
            host.activation(activation, order, x, destination);
        }
    }

    private boolean activate(Activation activation, CpuTensor x, CpuTensor to) {
        return switch (activation.kind()) {
            case RELU -> compare(dnnl_eltwise_clip, dnnl_binary_max, x, to);
            case LEAKY_RELU ->
                activation.parameter() != 0 && eltwise(dnnl_eltwise_relu, activation.parameter(), 0, x, to);
            case ELU -> eltwise(dnnl_eltwise_elu, activation.parameter(), 0, x, to);
            case SELU -> selu(x, to);
            case SIGMOID -> eltwise(dnnl_eltwise_logistic, 0, 0, x, to);
            case TANH -> eltwise(dnnl_eltwise_tanh, 0, 0, x, to);
            // oneDNN's has an error of 1e-6 where the value is far smaller
            case LOG_SIGMOID -> false;
            case SILU -> eltwise(dnnl_eltwise_swish, 1, 0, x, to);
            default -> false;
        };
    }

    @Override
    public void activationPullback(Activation activation, Tensor saved, Tensor cotangents, Tensor destination) {
        CpuTensor data = backend.asItLies(saved);
        CpuTensor signal = backend.asItLies(cotangents);
        CpuTensor to = backend.asItLies(destination);
        if (!isWorthIt(data) || !pullBack(activation, data, signal, to)) {
            host.activationPullback(activation, saved, cotangents, destination);
        }
    }

    private boolean pullBack(Activation activation, CpuTensor saved, CpuTensor cotangents, CpuTensor to) {
        return switch (activation.kind()) {
            // y > 0 where x > 0
            case RELU -> backward(dnnl_eltwise_relu, 0, saved, cotangents, to);
            case LEAKY_RELU -> backward(dnnl_eltwise_relu, activation.parameter(), saved, cotangents, to);
            case ELU ->
                backward(
                        activation.derivativeFromOutput() ? dnnl_eltwise_elu_use_dst_for_bwd : dnnl_eltwise_elu,
                        activation.parameter(),
                        saved,
                        cotangents,
                        to);
            case SIGMOID -> backward(dnnl_eltwise_logistic_use_dst_for_bwd, 0, saved, cotangents, to);
            case TANH -> backward(dnnl_eltwise_tanh_use_dst_for_bwd, 0, saved, cotangents, to);
            case LOG_SIGMOID -> backward(dnnl_eltwise_soft_relu, -1, saved, cotangents, to);
            // oneDNN knows no ELU whose right side has another slope than 1
            case SELU -> false;
            default -> false;
        };
    }

    private static boolean isWorthIt(CpuTensor tensor) {
        return tensor.isSingle() && tensor.elements >= WORTH_A_CALL;
    }

    private static boolean isWorthScaling(CpuTensor tensor) {
        return tensor.isSingle() && tensor.elements >= WORTH_A_SCALED_CALL;
    }

    private boolean eltwise(int algorithm, double alpha, double beta, CpuTensor x, CpuTensor to) {
        backend.align(to, List.of(x));
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.ELTWISE)
                .add(algorithm)
                .add(alpha)
                .add(beta)
                .add(x.elements);
        DnnlPrimitive primitive = context.get(
                key, Cost.elements(x.elements), () -> DnnlRecipes.eltwise(algorithm, alpha, beta, x.elements));
        return primitive.usable() && run(context, primitive.at(0, x.address()).at(1, to.address()));
    }

    private boolean copy(CpuTensor x, CpuTensor to) {
        backend.align(to, List.of(x));
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.COPY).add(x.elements);
        DnnlPrimitive primitive = context.get(
                key,
                Cost.elements(x.elements),
                () -> DnnlRecipes.reorder(Layout.dense(x.elements), Layout.dense(x.elements)));
        return primitive.usable() && run(context, primitive.at(0, x.address()).at(1, to.address()));
    }

    private boolean affine(CpuTensor x, double scale, double offset, CpuTensor to) {
        backend.align(to, List.of(x));
        DnnlContext context = contexts.get();
        DnnlPrimitive primitive = context.get(
                context.key(DnnlKind.AFFINE).add(x.elements),
                Cost.elements(x.elements),
                () -> DnnlRecipes.affine(x.elements));
        return primitive.usable()
                && run(
                        context,
                        primitive
                                .at(0, x.address())
                                .at(1, context.scalar(0, scale))
                                .at(2, context.scalar(1, offset))
                                .at(3, to.address()));
    }

    private boolean addScaled(double alpha, CpuTensor x, CpuTensor to) {
        backend.align(to, List.of(x, to));
        DnnlContext context = contexts.get();
        DnnlPrimitive primitive = context.get(
                context.key(DnnlKind.ADD_SCALED).add(x.elements),
                Cost.elements(x.elements),
                () -> DnnlRecipes.addScaled(x.elements));
        return primitive.usable()
                && run(
                        context,
                        primitive
                                .at(0, x.address())
                                .at(1, context.scalar(0, alpha))
                                .at(2, to.address())
                                .at(3, to.address()));
    }

    /** The greater factor is taken out of the sum, so that neither may be 0 but both. */
    private boolean addScaled(double alpha, CpuTensor x, double beta, CpuTensor to) {
        double greater = Math.abs(alpha) >= Math.abs(beta) ? alpha : beta;
        if (greater == 0) {
            return false;
        }
        backend.align(to, List.of(x, to));
        CpuTensor scaled = greater == alpha ? to : x;
        CpuTensor added = greater == alpha ? x : to;
        double ratio = greater == alpha ? beta / alpha : alpha / beta;
        DnnlContext context = contexts.get();
        DnnlPrimitive primitive = context.get(
                context.key(DnnlKind.SCALED_SUM).add(x.elements),
                Cost.stream(x.elements),
                () -> DnnlRecipes.scaledSum(x.elements));
        return primitive.usable()
                && run(
                        context,
                        primitive
                                .at(0, scaled.address())
                                .at(1, context.scalar(0, ratio))
                                .at(2, added.address())
                                .at(3, context.scalar(1, greater))
                                .at(4, to.address()));
    }

    private boolean selu(CpuTensor x, CpuTensor to) {
        backend.align(to, List.of(x));
        DnnlContext context = contexts.get();
        DnnlPrimitive primitive = context.get(
                context.key(DnnlKind.SELU).add(x.elements),
                Cost.elements(x.elements),
                () -> DnnlRecipes.scaledEltwise(
                        dnnl_eltwise_elu, Activation.SELU_ALPHA, Activation.SELU_SCALE, x.elements));
        return primitive.usable()
                && run(
                        context,
                        primitive.at(0, x.address()).at(1, context.scalar(0, 1)).at(2, to.address()));
    }

    private boolean compare(int function, int comparison, CpuTensor x, CpuTensor to) {
        backend.align(to, List.of(x));
        DnnlContext context = contexts.get();
        PrimitiveKey key =
                context.key(DnnlKind.COMPARE).add(function).add(comparison).add(x.elements);
        DnnlPrimitive primitive = context.get(
                key, Cost.elements(x.elements), () -> DnnlRecipes.compare(function, comparison, x.elements));
        return primitive.usable()
                && run(
                        context,
                        primitive
                                .at(0, x.address())
                                .at(1, context.scalar(0, 1))
                                .at(2, x.address())
                                .at(3, to.address()));
    }

    private boolean backward(int algorithm, double alpha, CpuTensor saved, CpuTensor cotangents, CpuTensor to) {
        backend.align(to, List.of(saved, cotangents));
        DnnlContext context = contexts.get();
        PrimitiveKey key =
                context.key(DnnlKind.ELTWISE_BACKWARD).add(algorithm).add(alpha).add(saved.elements);
        DnnlPrimitive primitive = context.get(
                key,
                Cost.elements(saved.elements),
                () -> DnnlRecipes.eltwiseBackward(algorithm, alpha, saved.elements));
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, saved.address());
        long bytes = saved.elements * Float.BYTES;
        for (long column = 0; column < cotangents.elements * Float.BYTES; column += bytes) {
            primitive.at(1, cotangents.address() + column).at(2, to.address() + column);
            primitive.run(context);
        }
        return true;
    }

    private boolean binary(
            int algorithm, long[] sizes, long[] sizesB, double scale, CpuTensor a, CpuTensor b, CpuTensor to) {
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.BINARY)
                .add(algorithm)
                .add(sizes)
                .add(sizesB)
                .add(scale);
        DnnlPrimitive primitive =
                context.get(key, Cost.elements(to.elements), () -> DnnlRecipes.binary(algorithm, sizes, sizesB, scale));
        return primitive.usable()
                && run(context, primitive.at(0, a.address()).at(1, b.address()).at(2, to.address()));
    }

    private static boolean run(DnnlContext context, DnnlPrimitive primitive) {
        primitive.run(context);
        return true;
    }
}
