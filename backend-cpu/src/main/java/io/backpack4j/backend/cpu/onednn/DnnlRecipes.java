// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.jspecify.annotations.Nullable;

/**
 * Recipes of primitives. The order of arguments is the inputs first, the destination last, unless a method says
 * otherwise.
 */
final class DnnlRecipes {

    /** See {@link #isHalfAsFast}. */
    private static final long AVX2_TERMS = 32;

    /** From as many elements of a product on, two calls cost less than they bring. */
    private static final long WORTH_TWO_CALLS = 8192;

    private DnnlRecipes() {}

    /** destination = f(x) over n numbers. */
    static DnnlPrimitive eltwise(int algorithm, double alpha, double beta, long n) {
        var x = Dnnl.dense(n);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status = forward(description, algorithm, alpha, beta, x, attributes);
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_DST);
        } finally {
            destroy(x);
        }
    }

    /**
     * destination = scale · x + offset, both being single numbers in memory, so that one primitive serves all of them;
     * x, scale, offset, destination.
     */
    static DnnlPrimitive affine(long n) {
        var x = Dnnl.dense(n);
        var one = Dnnl.dense(1);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int offset = attributes.binary(dnnl_binary_add, one);
            int status = dnnl_binary_primitive_desc_create(
                    description, Dnnl.ENGINE, dnnl_binary_mul, x, one, x, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, offset, DNNL_ARG_DST);
        } finally {
            destroy(x, one);
        }
    }

    /** destination = a + b over n numbers. */
    static DnnlPrimitive add(long n) {
        long[] sizes = {n};
        return binary(dnnl_binary_add, sizes, sizes, 1);
    }

    /**
     * destination += alpha · x, alpha being a single number in memory; x, alpha, the destination as an operand, the
     * destination.
     */
    static DnnlPrimitive addScaled(long n) {
        var x = Dnnl.dense(n);
        var one = Dnnl.dense(1);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int old = attributes.binary(dnnl_binary_add, x);
            int status = dnnl_binary_primitive_desc_create(
                    description, Dnnl.ENGINE, dnnl_binary_mul, x, one, x, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, old, DNNL_ARG_DST);
        } finally {
            destroy(x, one);
        }
    }

    /**
     * destination = (a · ratio + b) · factor, both being single numbers in memory; a, ratio, b, factor, destination,
     * which may be a or b.
     */
    static DnnlPrimitive scaledSum(long n) {
        var x = Dnnl.dense(n);
        var one = Dnnl.dense(1);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int added = attributes.binary(dnnl_binary_add, x);
            int factor = attributes.binary(dnnl_binary_mul, one);
            int status = dnnl_binary_primitive_desc_create(
                    description, Dnnl.ENGINE, dnnl_binary_mul, x, one, x, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, added, factor, DNNL_ARG_DST);
        } finally {
            destroy(x, one);
        }
    }

    /**
     * destination = scale · f(x). Only a binary operation takes two functions behind it: it multiplies by a single
     * number in memory, which must be 1; x, that number, destination.
     */
    static DnnlPrimitive scaledEltwise(int algorithm, double alpha, double scale, long n) {
        var x = Dnnl.dense(n);
        var one = Dnnl.dense(1);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes().eltwise(algorithm, alpha, 0).affine(scale, 0)) {
            int status = dnnl_binary_primitive_desc_create(
                    description, Dnnl.ENGINE, dnnl_binary_mul, x, one, x, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, DNNL_ARG_DST);
        } finally {
            destroy(x, one);
        }
    }

    /**
     * destination = comparison(f(x), x), for an f without parameters. In this order NaN survives a maximum and is below
     * nothing: exp, which is larger than x anyway; relu and x &gt; 0, f being a clip between 0 and 0. oneDNN's own exp,
     * relu and &gt; lose NaN. As in {@link #scaledEltwise} there is a multiplication by 1 first; x, that number, x,
     * destination.
     */
    static DnnlPrimitive compare(int function, int comparison, long n) {
        var x = Dnnl.dense(n);
        var one = Dnnl.dense(1);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes().eltwise(function, 0, 0)) {
            int operand = attributes.binary(comparison, x);
            int status = dnnl_binary_primitive_desc_create(
                    description, Dnnl.ENGINE, dnnl_binary_mul, x, one, x, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, operand, DNNL_ARG_DST);
        } finally {
            destroy(x, one);
        }
    }

    /** destination = cotangents · f'(data), data being the input or the output of f, as the algorithm says. */
    static DnnlPrimitive eltwiseBackward(int algorithm, double alpha, long n) {
        var data = Dnnl.dense(n);
        var hint = new dnnl_primitive_desc();
        var description = new dnnl_primitive_desc();
        boolean fromOutput = algorithm == dnnl_eltwise_tanh_use_dst_for_bwd
                || algorithm == dnnl_eltwise_logistic_use_dst_for_bwd
                || algorithm == dnnl_eltwise_elu_use_dst_for_bwd;
        try (var attributes = new DnnlAttributes()) {
            Dnnl.check(
                    dnnl_eltwise_forward_primitive_desc_create(
                            hint,
                            Dnnl.ENGINE,
                            dnnl_forward_training,
                            algorithm,
                            data,
                            data,
                            (float) alpha,
                            0,
                            attributes.done()),
                    "describe a forward operation");
            int status = dnnl_eltwise_backward_primitive_desc_create(
                    description, Dnnl.ENGINE, algorithm, data, data, data, (float) alpha, 0, hint, attributes.done());
            return DnnlPrimitive.of(
                    status,
                    description,
                    fromOutput ? DNNL_ARG_DST : DNNL_ARG_SRC,
                    DNNL_ARG_DIFF_DST,
                    DNNL_ARG_DIFF_SRC);
        } finally {
            dnnl_primitive_desc_destroy(hint);
            destroy(data);
        }
    }

    /** destination = scale · operation(a, b), a having the destination's sizes and b ones where it stretches. */
    static DnnlPrimitive binary(int algorithm, long[] sizes, long[] sizesB, double scale) {
        var a = Dnnl.dense(sizes);
        var b = Dnnl.dense(sizesB);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes().affine(scale, 0)) {
            int status =
                    dnnl_binary_primitive_desc_create(description, Dnnl.ENGINE, algorithm, a, b, a, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, DNNL_ARG_DST);
        } finally {
            destroy(a, b);
        }
    }

    /**
     * destination = second(first(a, b), c), a having the destination's sizes, b and c ones where they stretch; a, b, c,
     * destination.
     */
    static DnnlPrimitive binaryTwice(int first, int second, long[] sizes, long[] stretched) {
        var a = Dnnl.dense(sizes);
        var b = Dnnl.dense(stretched);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int operand = attributes.binary(second, b);
            int status = dnnl_binary_primitive_desc_create(description, Dnnl.ENGINE, first, a, b, a, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, operand, DNNL_ARG_DST);
        } finally {
            destroy(a, b);
        }
    }

    /**
     * destination = a · b + beta · destination; a, b, destination.
     *
     * @param a sizes and strides of [batch, m, k]
     * @param b sizes and strides of [batch, k, n]
     * @param c sizes and strides of [batch, m, n]
     */
    static DnnlPrimitive matmul(Layout a, Layout b, Layout c, double beta) {
        return matmul(a, b, c, beta, null);
    }

    /** The same with alpha · a · b, alpha being a single number in memory; a, b, alpha, destination. */
    static DnnlPrimitive scaledMatmul(Layout a, Layout b, Layout c, double beta) {
        return matmul(a, b, c, beta, Layout.dense(c.scalarSizes()));
    }

    private static DnnlPrimitive matmul(Layout a, Layout b, Layout c, double beta, @Nullable Layout factor) {
        DnnlPrimitive whole = whole(a, b, c, beta, factor);
        return isHalfAsFast(whole, a, c) ? faster(whole, a, b, c, beta, factor) : whole;
    }

    /**
     * oneDNN takes AVX2 for sums of exactly 32 terms, the commonest batch, where it takes AVX-512 for fewer and for
     * more, which is twice as fast.
     */
    private static boolean isHalfAsFast(DnnlPrimitive whole, Layout a, Layout c) {
        return a.sizes().length == 2
                && a.sizes()[1] == AVX2_TERMS
                && c.sizes()[0] * c.sizes()[1] >= WORTH_TWO_CALLS
                && whole.implementation().endsWith(":avx2");
    }

    /** Two products of half as many terms, the second of which is added to the first, if that takes AVX-512. */
    private static DnnlPrimitive faster(
            DnnlPrimitive whole, Layout a, Layout b, Layout c, double beta, @Nullable Layout factor) {
        long half = AVX2_TERMS / 2;
        Layout left = a.part(1, half);
        Layout right = b.part(0, half);
        DnnlPrimitive first = whole(left, right, c, beta, factor);
        if (!first.implementation().endsWith(":avx512_core")) {
            first.close();
            return whole;
        }
        whole.close();
        return first.then(
                whole(left, right, c, 1, factor),
                half * a.strides()[1] * Float.BYTES,
                half * b.strides()[0] * Float.BYTES);
    }

    private static DnnlPrimitive whole(Layout a, Layout b, Layout c, double beta, @Nullable Layout factor) {
        var left = a.describe();
        var right = b.describe();
        var to = c.describe();
        dnnl_memory_desc alpha = factor == null ? null : factor.describe();
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int operand = alpha == null ? 0 : attributes.binary(dnnl_binary_mul, alpha);
            attributes.sum(beta);
            int status = dnnl_matmul_primitive_desc_create(
                    description, Dnnl.ENGINE, left, right, null, to, attributes.done());
            return alpha == null
                    ? DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST)
                    : DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, operand, DNNL_ARG_DST);
        } finally {
            destroy(left, right, to, alpha);
        }
    }

    /** destination = f(a · b + destination); a, b, destination. */
    static DnnlPrimitive activatedSum(Layout a, Layout b, Layout c, int function) {
        var left = a.describe();
        var right = b.describe();
        var to = c.describe();
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes().sum(1).eltwise(function, 0, 0)) {
            int status = dnnl_matmul_primitive_desc_create(
                    description, Dnnl.ENGINE, left, right, null, to, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST);
        } finally {
            destroy(left, right, to);
        }
    }

    /** destination = a · b + bias, the bias being a row; a, b, bias, destination. */
    static DnnlPrimitive linear(Layout a, Layout b, Layout c) {
        var left = a.describe();
        var right = b.describe();
        var to = c.describe();
        var bias = Dnnl.dense(c.biasSizes());
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status = dnnl_matmul_primitive_desc_create(
                    description, Dnnl.ENGINE, left, right, bias, to, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST);
        } finally {
            destroy(left, right, bias, to);
        }
    }

    /**
     * destination += (x − center)² · weight over n numbers, the weight being one number. The arguments are x, the
     * center, or x again without one, the destination as an operand, the destination, the weight if there is one.
     * oneDNN's own sum is slow here.
     */
    static DnnlPrimitive squares(long n, boolean center, boolean weight) {
        var x = Dnnl.dense(n);
        var one = Dnnl.dense(1);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            if (center) {
                attributes.eltwise(dnnl_eltwise_square, 0, 0);
            }
            int factor = weight ? attributes.binary(dnnl_binary_mul, one) : 0;
            int old = attributes.binary(dnnl_binary_add, x);
            int algorithm = center ? dnnl_binary_sub : dnnl_binary_mul;
            int status =
                    dnnl_binary_primitive_desc_create(description, Dnnl.ENGINE, algorithm, x, x, x, attributes.done());
            return weight
                    ? DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, old, DNNL_ARG_DST, factor)
                    : DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, old, DNNL_ARG_DST);
        } finally {
            destroy(x, one);
        }
    }

    /** destination = factor · x² + y over n numbers; x, x, y, destination. */
    static DnnlPrimitive plusSquares(long n, double factor) {
        return scaledSquares(n, factor, dnnl_binary_add);
    }

    /** destination = 1 where factor · x² is larger than y, and 0 elsewhere, over n numbers; x, x, y, destination. */
    static DnnlPrimitive squaresAbove(long n, double factor) {
        return scaledSquares(n, factor, dnnl_binary_gt);
    }

    private static DnnlPrimitive scaledSquares(long n, double factor, int operation) {
        var x = Dnnl.dense(n);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes().affine(factor, 0)) {
            int operand = attributes.binary(operation, x);
            int status = dnnl_binary_primitive_desc_create(
                    description, Dnnl.ENGINE, dnnl_binary_mul, x, x, x, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, operand, DNNL_ARG_DST);
        } finally {
            destroy(x);
        }
    }

    /**
     * destination += (a · b − center)² · weight. The arguments are a, b, then the center and the weight if there are
     * any, then the destination.
     */
    static DnnlPrimitive squaredProduct(Layout a, Layout b, Layout c, boolean center, boolean weight) {
        var left = a.describe();
        var right = b.describe();
        var to = c.describe();
        dnnl_memory_desc one = weight ? Dnnl.dense(c.scalarSizes()) : null;
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int[] arguments = new int[3 + (center ? 1 : 0) + (weight ? 1 : 0)];
            int count = 0;
            arguments[count++] = DNNL_ARG_SRC;
            arguments[count++] = DNNL_ARG_WEIGHTS;
            if (center) {
                arguments[count++] = attributes.binary(dnnl_binary_sub, to);
            }
            attributes.eltwise(dnnl_eltwise_square, 0, 0);
            if (one != null) {
                arguments[count++] = attributes.binary(dnnl_binary_mul, one);
            }
            attributes.sum(1);
            arguments[count] = DNNL_ARG_DST;
            int status = dnnl_matmul_primitive_desc_create(
                    description, Dnnl.ENGINE, left, right, null, to, attributes.done());
            return DnnlPrimitive.of(status, description, arguments);
        } finally {
            destroy(left, right, to, one);
        }
    }

    /** destination = the sums of the rows of x, a product with ones. */
    static DnnlPrimitive sumRows(long rows, long columns) {
        return matmul(Layout.dense(rows, columns), Layout.dense(columns, 1), Layout.dense(rows, 1), 0);
    }

    /**
     * destination = the sums of the columns of every matrix of x, a product with ones; the arguments are x, ones,
     * destination.
     */
    static DnnlPrimitive sumColumns(long batch, long rows, long columns) {
        var ones = DnnlProducts.operand(batch, 1, 1, rows, false).describe();
        var x = DnnlProducts.operand(batch, batch, rows, columns, false).describe();
        var to = DnnlProducts.operand(batch, batch, 1, columns, false).describe();
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status =
                    dnnl_matmul_primitive_desc_create(description, Dnnl.ENGINE, ones, x, null, to, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_WEIGHTS, DNNL_ARG_SRC, DNNL_ARG_DST);
        } finally {
            destroy(ones, x, to);
        }
    }

    static DnnlPrimitive softmax(long[] sizes, int axis) {
        var x = Dnnl.dense(sizes);
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status = dnnl_softmax_forward_primitive_desc_create(
                    description,
                    Dnnl.ENGINE,
                    dnnl_forward_inference,
                    dnnl_softmax_accurate,
                    x,
                    x,
                    axis,
                    attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_DST);
        } finally {
            destroy(x);
        }
    }

    /** Copies a box of numbers from one set of strides to another. */
    static DnnlPrimitive reorder(Layout from, Layout to) {
        var source = from.describe();
        var target = to.describe();
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status = dnnl_reorder_primitive_desc_create(
                    description, source, Dnnl.ENGINE, target, Dnnl.ENGINE, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_FROM, DNNL_ARG_TO);
        } finally {
            destroy(source, target);
        }
    }

    /** Copies numbers as bfloat16. */
    static DnnlPrimitive round(long n) {
        Layout numbers = Layout.dense(n);
        return reorder(numbers, numbers.rounded(true));
    }

    private static int forward(
            dnnl_primitive_desc description,
            int algorithm,
            double alpha,
            double beta,
            dnnl_memory_desc x,
            DnnlAttributes attributes) {
        return dnnl_eltwise_forward_primitive_desc_create(
                description,
                Dnnl.ENGINE,
                dnnl_forward_inference,
                algorithm,
                x,
                x,
                (float) alpha,
                (float) beta,
                attributes.done());
    }

    private static void destroy(@Nullable dnnl_memory_desc... descriptions) {
        for (dnnl_memory_desc description : descriptions) {
            if (description != null) {
                dnnl_memory_desc_destroy(description);
            }
        }
    }
}
