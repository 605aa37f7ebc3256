// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.site;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * A site's partial results, for tests of what an extension makes of them: one tensor under whatever key it is asked
 * for.
 *
 * @param backend the arithmetic
 * @param scope owns the tensor
 * @param partial the tensor
 * @param count how many samples it is of
 */
public record FakePartial(Backend backend, TensorScope scope, Tensor partial, long count) implements SitePartial {

    /** A partial of {@code count} samples with the given numbers. */
    public static FakePartial of(Backend backend, TensorScope scope, long count, Shape shape, double... values) {
        return new FakePartial(backend, scope, backend.upload(scope, shape, DType.FLOAT64, values), count);
    }

    @Override
    public String parameter() {
        return "0.weight";
    }

    @Override
    public Shape shape() {
        return Shape.of(2);
    }

    @Override
    public long samples() {
        return count;
    }

    @Override
    public double normaliser() {
        throw new AssertionError("The normaliser is not needed");
    }

    @Override
    public Tensor tensor(String key) {
        return partial;
    }

    @Override
    public long count(String key) {
        return count;
    }

    @Override
    public Tensor sum(String key) {
        throw new AssertionError("The sum is not needed");
    }

    @Override
    public Tensor centredSquares(String key) {
        return partial;
    }

    @Override
    public BlockProduct product(String key) {
        throw new AssertionError("No product is needed");
    }

    @Override
    public Tensor folded(String name) {
        throw new AssertionError("Nothing is folded");
    }
}
