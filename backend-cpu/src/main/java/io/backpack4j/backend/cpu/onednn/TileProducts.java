// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * Makes the products of a batch one at a time. Methods say whether oneDNN is fast at what they need; if not, nothing
 * was done.
 */
final class TileProducts {

    private final DnnlContext context;
    private final PerSampleProduct product;
    private final boolean rounded;
    private final long left;
    private final long right;
    private final long leftBytes;
    private final long rightBytes;
    private final long tileBytes;

    TileProducts(DnnlContext context, PerSampleProduct product, CpuTensor left, CpuTensor right) {
        this(context, product, false, left.address(), right.address());
    }

    /** Of rounded operands, which stay open. */
    TileProducts(DnnlContext context, PerSampleProduct product, Rounding.Operands operands) {
        this(context, product, true, operands.left(), operands.right());
    }

    private TileProducts(DnnlContext context, PerSampleProduct product, boolean rounded, long left, long right) {
        this.context = context;
        this.product = product;
        this.rounded = rounded;
        this.left = left;
        this.right = right;
        long bytes = rounded ? Rounding.BYTES : Float.BYTES;
        leftBytes = product.groups() * product.rows() * product.positions() * bytes;
        rightBytes = product.groups() * product.positions() * product.columns() * bytes;
        tileBytes = product.groups() * product.rows() * product.columns() * Float.BYTES;
    }

    /** Makes every tile and feeds it on. A consumer that keeps tiles lends its place to make them in. */
    boolean feed(List<TileFeeder> feeders) {
        DnnlPrimitive primitive = product(1, 0);
        if (!primitive.usable()) {
            return false;
        }
        List<TileFeeder> others = new ArrayList<>(feeders);
        for (int i = 0; i < feeders.size(); i++) {
            LongUnaryOperator place = feeders.get(i).place();
            if (place != null) {
                others.remove(i);
                feed(primitive, place, others);
                return true;
            }
        }
        Block tile = context.pool().allocate(tileBytes);
        try {
            feed(primitive, b -> tile.address, others);
        } finally {
            context.pool().release(tile);
        }
        return true;
    }

    private void feed(DnnlPrimitive primitive, LongUnaryOperator place, List<TileFeeder> feeders) {
        for (long b = 0; b < product.batch(); b++) {
            long tile = place.applyAsLong(b);
            move(primitive, b).at(2, tile).run(context);
            for (TileFeeder feeder : feeders) {
                feeder.feed(tile, b);
            }
        }
        feeders.forEach(feeder -> feeder.end().run());
    }

    /**
     * destination[r] += Σ P_b over the r-th run of b's: products of joined factors where neighbours join, else product
     * by product.
     */
    boolean addSums(CpuTensor destination) {
        if (!product(1, 1).usable()) {
            return false;
        }
        long runs = destination.shape().size(0);
        long length = product.batch() / runs;
        boolean joinable = product.groups() == 1 && product.leftTransposed() && !product.rightTransposed();
        for (long run = 0; run < runs; run++) {
            long to = (run + 1) * length;
            for (long b = run * length; b < to; ) {
                long count = joinable ? Math.min(to - b, product.samples() - b % product.samples()) : 1;
                DnnlPrimitive joined = product(count, 1);
                if (!joined.usable()) {
                    count = 1;
                    joined = product(1, 1);
                }
                move(joined, b).at(2, destination.address() + run * tileBytes).run(context);
                b += count;
            }
        }
        return true;
    }

    /** destination += Σ_b w_b (P_b − center)², without tiles. */
    boolean addSquares(NativeBackend backend, TileConsumer.SumOfSquares squares) {
        Tensor center = squares.center();
        Tensor weights = squares.weights();
        DnnlPrimitive primitive = squaredProduct(center != null, weights != null);
        if (!primitive.usable()) {
            return false;
        }
        int argument = 2;
        if (center != null) {
            primitive.at(argument++, backend.own(center).address());
        }
        int weight = weights == null ? 0 : argument++;
        long firstWeight = weights == null ? 0 : backend.own(weights).address();
        primitive.at(argument, backend.own(squares.destination()).address());
        for (long b = 0; b < product.batch(); b++) {
            if (weights != null) {
                primitive.at(weight, firstWeight + b * Float.BYTES);
            }
            move(primitive, b).run(context);
        }
        return true;
    }

    private DnnlPrimitive move(DnnlPrimitive primitive, long b) {
        return primitive.at(0, left + b * leftBytes).at(1, right + b % product.samples() * rightBytes);
    }

    /**
     * tile = the sum of {@code joined} neighbouring products + beta · tile. Several can be joined if there is one
     * group.
     */
    private DnnlPrimitive product(long joined, double beta) {
        PrimitiveKey key = key(DnnlKind.TILE).add(joined).add(beta);
        return context.get(
                key,
                cost(joined),
                () -> DnnlRecipes.matmul(leftLayout(joined), rightLayout(joined), tileLayout(), beta));
    }

    private DnnlPrimitive squaredProduct(boolean center, boolean weight) {
        PrimitiveKey key = key(DnnlKind.SQUARED_PRODUCT).add(center ? 1 : 0).add(weight ? 1 : 0);
        return context.get(
                key,
                cost(1),
                () -> DnnlRecipes.squaredProduct(leftLayout(1), rightLayout(1), tileLayout(), center, weight));
    }

    private PrimitiveKey key(DnnlKind kind) {
        return context.key(kind)
                .add(product.groups())
                .add(product.rows())
                .add(product.positions())
                .add(product.columns())
                .add(product.leftTransposed() ? 1 : 0)
                .add(product.rightTransposed() ? 1 : 0)
                .add(rounded ? 1 : 0);
    }

    private double cost(long joined) {
        return Cost.product(product.groups() * product.rows(), product.columns(), product.positions() * joined);
    }

    private Layout leftLayout(long joined) {
        long groups = product.groups();
        return DnnlProducts.operand(
                        groups, groups, product.rows(), product.positions() * joined, product.leftTransposed())
                .rounded(rounded);
    }

    private Layout rightLayout(long joined) {
        long groups = product.groups();
        return DnnlProducts.operand(
                        groups, groups, product.positions() * joined, product.columns(), product.rightTransposed())
                .rounded(rounded);
    }

    private Layout tileLayout() {
        long groups = product.groups();
        return DnnlProducts.operand(groups, groups, product.rows(), product.columns(), false);
    }
}
