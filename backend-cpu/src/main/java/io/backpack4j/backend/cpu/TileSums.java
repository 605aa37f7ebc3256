package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.PerSampleProduct;

/** destination[r] += Σ P_b over the r-th run of b's: products of joined factors where neighbours join, else product by product. */
final class TileSums {

    private final PerSampleProduct product;
    private final CpuTensor left;
    private final CpuTensor right;

    TileSums(PerSampleProduct product, CpuTensor left, CpuTensor right) {
        this.product = product;
        this.left = left;
        this.right = right;
    }

    void add(DnnlContext context, CpuTensor destination) {
        long runs = destination.shape().size(0);
        long length = product.batch() / runs;
        long elements = destination.elements / runs;
        boolean joinable = product.groups() == 1 && product.leftTransposed() && !product.rightTransposed();
        for (long run = 0; run < runs; run++) {
            long to = (run + 1) * length;
            for (long b = run * length; b < to; ) {
                long sample = b % product.samples();
                long count = joinable ? Math.min(to - b, product.samples() - sample) : 1;
                DnnlPrimitive primitive = TileProducts.primitive(context, product, count, 1);
                primitive
                        .at(0, left.address() + b * TileProducts.leftBytes(product))
                        .at(1, right.address() + sample * TileProducts.rightBytes(product))
                        .at(2, destination.address() + run * elements * Float.BYTES)
                        .run(context);
                b += count;
            }
        }
    }
}
