// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Matrix products of single precision by oneDNN. */
final class DnnlProducts implements Products {

    private final NativeBackend backend;
    private final DnnlContexts contexts;
    private final Products host;
    private final SymmetricProducts symmetric;

    DnnlProducts(NativeBackend backend, DnnlContexts contexts, Products host) {
        this.backend = backend;
        this.contexts = contexts;
        this.host = host;
        this.symmetric = new SymmetricProducts(contexts);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void multiply(
            Tensor a, boolean transposeA, Tensor b, boolean transposeB, double alpha, double beta, Tensor destination) {
        CpuTensor left = backend.own(a);
        CpuTensor right = backend.own(b);
        CpuTensor to = backend.own(destination);
        boolean empty = left.elements == 0 || right.elements == 0;
        if (!to.isSingle() || empty || !multiply(left, transposeA, right, transposeB, alpha, beta, to)) {
            host.multiply(a, transposeA, b, transposeB, alpha, beta, destination);
        }
    }

    private boolean multiply(
            CpuTensor a, boolean transposeA, CpuTensor b, boolean transposeB, double alpha, double beta, CpuTensor to) {
        Shape shape = to.shape();
        int rank = shape.rank();
        long m = shape.size(-2);
        long n = shape.size(-1);
        long k = a.shape().size(transposeA ? -2 : -1);
        long batch = shape.elements(0, rank - 2);
        long batchA = a.shape().elements(0, rank - 2);
        long batchB = b.shape().elements(0, rank - 2);
        boolean plain = (batchA == batch || batchA == 1) && (batchB == batch || batchB == 1);
        if (!plain) {
            return batchA == batch
                    && alpha == 1
                    && isShared(b.shape(), shape)
                    && multiplyShared(a, transposeA, b, transposeB, beta, to, batchB);
        }
        if (batchB == 1 && batchA == batch && !transposeA) {
            m *= batch;
            batch = 1;
            batchA = 1;
        }
        DnnlContext context = contexts.get();
        Matrices matrices = new Matrices(transposeA, transposeB, beta, batch, batchA, batchB, m, n, k);
        boolean scaled = alpha != 1;
        boolean rounded = pays(context, (double) batch * m * n * k, a, b);
        DnnlPrimitive primitive = primitive(context, matrices, scaled, rounded);
        if (rounded && !primitive.usable()) {
            rounded = false;
            primitive = primitive(context, matrices, scaled, false);
        }
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(scaled ? 3 : 2, to.address());
        if (scaled) {
            primitive.at(2, context.scalar(0, alpha));
        }
        run(context, primitive, a, b, rounded);
        return true;
    }

    private record Matrices(
            boolean transposeA,
            boolean transposeB,
            double beta,
            long batch,
            long batchA,
            long batchB,
            long m,
            long n,
            long k) {}

    private static DnnlPrimitive primitive(DnnlContext context, Matrices of, boolean scaled, boolean rounded) {
        PrimitiveKey key = context.key(scaled ? DnnlKind.SCALED_MATMUL : DnnlKind.MATMUL)
                .add(of.transposeA ? 1 : 0)
                .add(of.transposeB ? 1 : 0)
                .add(of.beta)
                .add(of.batch)
                .add(of.batchA)
                .add(of.batchB)
                .add(of.m)
                .add(of.n)
                .add(of.k)
                .add(rounded ? 1 : 0);
        return context.get(key, Cost.product(of.batch * of.m, of.n, of.k), () -> {
            Layout left =
                    operand(of.batch, of.batchA, of.m, of.k, of.transposeA).rounded(rounded);
            Layout right =
                    operand(of.batch, of.batchB, of.k, of.n, of.transposeB).rounded(rounded);
            Layout result = operand(of.batch, of.batch, of.m, of.n, false);
            return scaled
                    ? DnnlRecipes.scaledMatmul(left, right, result, of.beta)
                    : DnnlRecipes.matmul(left, right, result, of.beta);
        });
    }

    private static boolean pays(DnnlContext context, double multiplications, CpuTensor a, CpuTensor b) {
        return Rounding.pays(context, multiplications, a.elements + (double) b.elements);
    }

    private static void run(DnnlContext context, DnnlPrimitive primitive, CpuTensor a, CpuTensor b, boolean rounded) {
        if (!rounded) {
            primitive.at(0, a.address()).at(1, b.address()).run(context);
            return;
        }
        try (var operands = new Rounding.Operands(context, a.address(), a.elements, b.address(), b.elements)) {
            primitive.at(0, operands.left()).at(1, operands.right()).run(context);
        }
    }

    /** Whether a batch of right factors repeats along the first axes of the whole batch. */
    private static boolean isShared(Shape right, Shape whole) {
        int axis = 0;
        while (axis < whole.rank() - 2 && right.size(axis) == 1) {
            axis++;
        }
        return right.slice(axis, whole.rank() - 2).equals(whole.slice(axis, whole.rank() - 2));
    }

    /** All left factors that meet one right factor are next to each other, so that it stays in the cache. */
    private boolean multiplyShared(
            CpuTensor a, boolean transposeA, CpuTensor b, boolean transposeB, double beta, CpuTensor to, long rights) {
        long m = to.shape().size(-2);
        long n = to.shape().size(-1);
        long k = a.shape().size(transposeA ? -2 : -1);
        long uses = to.elements / (rights * m * n);
        DnnlContext context = contexts.get();
        Matrices matrices = new Matrices(transposeA, transposeB, beta, uses, uses, rights, m, n, k);
        boolean rounded = pays(context, (double) rights * uses * m * n * k, a, b);
        DnnlPrimitive primitive = sharing(context, matrices, rounded);
        if (rounded && !primitive.usable()) {
            rounded = false;
            primitive = sharing(context, matrices, false);
        }
        if (!primitive.usable()) {
            return false;
        }
        run(context, primitive.at(2, to.address()), a, b, rounded);
        return true;
    }

    /** @param of with the number of right factors as that of B, and of left ones that meet each as that of A */
    private static DnnlPrimitive sharing(DnnlContext context, Matrices of, boolean rounded) {
        long rights = of.batchB;
        long uses = of.batch;
        PrimitiveKey key = context.key(DnnlKind.SHARED_MATMUL)
                .add(of.transposeA ? 1 : 0)
                .add(of.transposeB ? 1 : 0)
                .add(of.beta)
                .add(rights)
                .add(uses)
                .add(of.m)
                .add(of.n)
                .add(of.k)
                .add(rounded ? 1 : 0);
        return context.get(key, Cost.product(rights * uses * of.m, of.n, of.k), () -> {
            Layout right = of.transposeB
                    ? Layout.dense(rights, 1, of.n, of.k).transposed()
                    : Layout.dense(rights, 1, of.k, of.n);
            return DnnlRecipes.matmul(
                    repeated(rights, uses, of.m, of.k, of.transposeA).rounded(rounded),
                    right.rounded(rounded),
                    repeated(rights, uses, of.m, of.n, false),
                    of.beta);
        });
    }

    /** Matrices {@code [uses, batch, rows, columns]} with the first two axes swapped. */
    private static Layout repeated(long batch, long uses, long rows, long columns, boolean transposed) {
        long matrix = rows * columns;
        long[] sizes = {batch, uses, rows, columns};
        long[] strides = {matrix, batch * matrix, transposed ? 1 : columns, transposed ? rows : 1};
        return new Layout(sizes, strides);
    }

    /** destination = op(a) · op(b), matrix by matrix, between addresses; nothing is done if oneDNN is slow at it. */
    boolean multiply(
            DnnlContext context,
            long a,
            boolean transposeA,
            long b,
            boolean transposeB,
            long destination,
            long batch,
            long m,
            long n,
            long k) {
        Matrices matrices = new Matrices(transposeA, transposeB, 0, batch, batch, batch, m, n, k);
        DnnlPrimitive primitive = primitive(context, matrices, false, false);
        if (!primitive.usable()) {
            return false;
        }
        primitive.at(0, a).at(1, b).at(2, destination).run(context);
        return true;
    }

    /**
     * The layout of [batch, rows, columns], stored with the last axes swapped if {@code transposed}; without the batch
     * if that is 1.
     */
    static Layout operand(long batch, long own, long rows, long columns, boolean transposed) {
        long stored = transposed ? columns : rows;
        long other = transposed ? rows : columns;
        Layout layout = batch == 1 ? Layout.dense(stored, other) : Layout.dense(own, stored, other);
        return transposed ? layout.transposed() : layout;
    }

    @Override
    public void linear(Tensor x, Tensor weight, Tensor bias, Tensor destination) {
        CpuTensor input = backend.own(x);
        CpuTensor matrix = backend.own(weight);
        CpuTensor row = backend.own(bias);
        CpuTensor to = backend.own(destination);
        boolean empty = input.elements == 0 || matrix.elements == 0;
        if (!to.isSingle() || empty || !linear(input, matrix, row, to)) {
            host.linear(x, weight, bias, destination);
        }
    }

    private boolean linear(CpuTensor x, CpuTensor weight, CpuTensor bias, CpuTensor to) {
        long m = to.shape().size(0);
        long n = to.shape().size(1);
        long k = x.shape().size(1);
        DnnlContext context = contexts.get();
        PrimitiveKey key = context.key(DnnlKind.LINEAR).add(m).add(n).add(k);
        DnnlPrimitive primitive = context.get(
                key,
                Cost.product(m, n, k),
                () -> DnnlRecipes.linear(
                        operand(1, 1, m, k, false), operand(1, 1, k, n, true), operand(1, 1, m, n, false)));
        if (!primitive.usable()) {
            return false;
        }
        primitive
                .at(0, x.address())
                .at(1, weight.address())
                .at(2, bias.address())
                .at(3, to.address())
                .run(context);
        return true;
    }

    @Override
    public void gram(Tensor x, boolean positionsFirst, boolean summed, double scale, Tensor destination) {
        Shape shape = x.shape();
        long positions = shape.size(positionsFirst ? 2 : 3);
        long length = shape.size(positionsFirst ? 3 : 2);
        boolean areRows = shape.size(1) == 1 && (positions == 1 || (positionsFirst && !summed));
        if (!areRows) {
            Products.super.gram(x, positionsFirst, summed, scale, destination);
            return;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = scope.view(x, Shape.of(1, shape.size(0) * positions, length));
            Tensor target = scope.view(destination, Shape.of(1, length, length));
            if (!symmetric(backend.own(vectors), scale, false, backend.own(target))) {
                multiply(vectors, true, vectors, false, scale, 0, target);
            }
        }
    }

    @Override
    public void addGram(Tensor vectors, double scale, Tensor destination) {
        if (!symmetric(backend.own(vectors), scale, true, backend.own(destination))) {
            Products.super.addGram(vectors, scale, destination);
        }
    }

    private boolean symmetric(CpuTensor vectors, double scale, boolean accumulate, CpuTensor to) {
        long count = vectors.shape().size(1);
        long length = vectors.shape().size(2);
        return to.isSingle()
                && vectors.shape().size(0) == 1
                && SymmetricProducts.fits(count, length)
                && symmetric.add(vectors.address(), count, length, scale, accumulate, to.address());
    }
}
