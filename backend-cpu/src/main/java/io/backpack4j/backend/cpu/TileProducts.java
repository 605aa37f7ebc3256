package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Objects;

/** Makes the tiles of a product one at a time. */
final class TileProducts {

    private final PerSampleProduct product;
    private final CpuTensor left;
    private final CpuTensor right;

    TileProducts(PerSampleProduct product, CpuTensor left, CpuTensor right) {
        this.product = product;
        this.left = left;
        this.right = right;
    }

    /** Makes every tile and feeds it on. A feeder that keeps tiles lends its place to make them in. */
    void feed(DnnlContext context, List<TileFeeder> feeders) {
        DnnlPrimitive primitive = primitive(context, product, 1, 0);
        TileFeeder keeper =
                feeders.stream().filter(TileFeeder::keepsTiles).findFirst().orElse(null);
        Block tile = keeper == null ? context.pool().allocate(tileBytes()) : null;
        try {
            for (long b = 0; b < product.batch(); b++) {
                long address = keeper != null ? keeper.place(b) : Objects.requireNonNull(tile).address;
                move(primitive, b).at(2, address).run(context);
                for (TileFeeder feeder : feeders) {
                    if (feeder != keeper) {
                        feeder.feed(address, b);
                    }
                }
            }
        } finally {
            if (tile != null) {
                context.pool().release(tile);
            }
        }
    }

    /** destination += Σ_b w_b (P_b − center)², without tiles. */
    void addSquares(DnnlContext context, CpuBackend backend, TileConsumer.SumOfSquares squares) {
        Tensor center = squares.center();
        Tensor weights = squares.weights();
        PrimitiveKey key = key(context.key(DnnlKind.SQUARED_PRODUCT), product, 1)
                .add(center == null ? 0 : 1)
                .add(weights == null ? 0 : 1);
        DnnlPrimitive primitive = context.get(
                key,
                cost(product, 1),
                () -> DnnlRecipes.squaredProduct(
                        leftLayout(product, 1),
                        rightLayout(product, 1),
                        tileLayout(product),
                        center != null,
                        weights != null));
        if (!primitive.usable()) {
            feed(
                    context,
                    TileFeeder.all(context, backend, List.of(squares), tileBytes() / Float.BYTES, product.batch()));
            return;
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
    }

    private DnnlPrimitive move(DnnlPrimitive primitive, long b) {
        return primitive
                .at(0, left.address() + b * leftBytes(product))
                .at(1, right.address() + b % product.samples() * rightBytes(product));
    }

    private long tileBytes() {
        return product.groups() * product.rows() * product.columns() * Float.BYTES;
    }

    /** tile = the sum of {@code joined} neighbouring products + beta · tile. Several can be joined if there is one group. */
    static DnnlPrimitive primitive(DnnlContext context, PerSampleProduct product, long joined, double beta) {
        PrimitiveKey key = key(context.key(DnnlKind.TILE), product, joined).add(beta);
        return context.get(
                key,
                cost(product, joined),
                () -> DnnlRecipes.matmul(
                        leftLayout(product, joined), rightLayout(product, joined), tileLayout(product), beta));
    }

    private static double cost(PerSampleProduct product, long joined) {
        return Cost.product(product.groups() * product.rows(), product.columns(), product.positions() * joined);
    }

    private static PrimitiveKey key(PrimitiveKey start, PerSampleProduct product, long joined) {
        return start.add(product.groups())
                .add(product.rows())
                .add(product.positions())
                .add(product.columns())
                .add(product.leftTransposed() ? 1 : 0)
                .add(product.rightTransposed() ? 1 : 0)
                .add(joined);
    }

    private static Layout leftLayout(PerSampleProduct product, long joined) {
        long groups = product.groups();
        return DnnlProducts.operand(
                groups, groups, product.rows(), product.positions() * joined, product.leftTransposed());
    }

    private static Layout rightLayout(PerSampleProduct product, long joined) {
        long groups = product.groups();
        return DnnlProducts.operand(
                groups, groups, product.positions() * joined, product.columns(), product.rightTransposed());
    }

    private static Layout tileLayout(PerSampleProduct product) {
        long groups = product.groups();
        return DnnlProducts.operand(groups, groups, product.rows(), product.columns(), false);
    }

    static long leftBytes(PerSampleProduct product) {
        return product.groups() * product.rows() * product.positions() * Float.BYTES;
    }

    static long rightBytes(PerSampleProduct product) {
        return product.groups() * product.positions() * product.columns() * Float.BYTES;
    }
}
