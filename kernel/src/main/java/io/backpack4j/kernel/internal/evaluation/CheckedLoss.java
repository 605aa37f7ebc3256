// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.spi.loss.GradientSampler;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * An evaluated loss as signals and curvature matrices see it, which may be plugins of others: what goes wrong in the
 * loss is reported as the loss's, and what it returns is checked.
 *
 * @param loss the plugin's evaluation
 * @param part the loss, for messages
 * @param samples N
 * @param output the shape of one sample's output
 */
record CheckedLoss(LossEvaluation loss, Part part, long samples, Shape output, DType dtype) implements LossEvaluation {

    private Tensor columns(String what, long count, Supplier<Tensor> call) {
        Tensor columns = PluginCalls.call(part, "in " + what, call::get);
        return PluginCalls.check(part, what, columns, output.prepend(count, samples), dtype);
    }

    @Override
    public Tensor values() {
        Tensor values = PluginCalls.call(part, "in its values", loss::values);
        return PluginCalls.check(part, "its values", values, Shape.of(samples), dtype);
    }

    @Override
    public Tensor gradient() {
        return columns("its gradient", 1, loss::gradient);
    }

    @Override
    public Optional<HessianRoot> hessianRoot() {
        return PluginCalls.call(part, "in the root of its Hessian", loss::hessianRoot)
                .map(Root::new);
    }

    @Override
    public Optional<GradientSampler> gradientSampler() {
        return PluginCalls.call(part, "in its sampler", loss::gradientSampler)
                .map(sampler -> (key, from, to, draws) ->
                        columns("its sampled gradients", to - from, () -> sampler.columns(key, from, to, draws)));
    }

    @Override
    public Optional<HessianProduct> hessianProduct() {
        return PluginCalls.call(part, "in its Hessian product", loss::hessianProduct)
                .map(product -> tangents ->
                        columns("its Hessian product", tangents.shape().size(0), () -> product.multiply(tangents)));
    }

    private final class Root implements HessianRoot {

        private final HessianRoot root;

        private Root(HessianRoot root) {
            this.root = root;
        }

        @Override
        public long count() {
            return PluginCalls.call(part, "in the root of its Hessian", root::count);
        }

        @Override
        public Tensor columns(long from, long to) {
            return CheckedLoss.this.columns("the root of its Hessian", to - from, () -> root.columns(from, to));
        }

        @Override
        public HessianRoot reduced() {
            return new Root(PluginCalls.call(part, "in the reduced root of its Hessian", root::reduced));
        }

        @Override
        public Optional<SuperposedRoot> superposed() {
            return PluginCalls.call(part, "in the superposed root of its Hessian", root::superposed)
                    .map(Superposed::new);
        }
    }

    private final class Superposed implements SuperposedRoot {

        private final SuperposedRoot root;

        private Superposed(SuperposedRoot root) {
            this.root = root;
        }

        @Override
        public long count() {
            return PluginCalls.call(part, "in the superposed root of its Hessian", root::count);
        }

        @Override
        public Tensor columns(long from, long to) {
            return CheckedLoss.this.columns(
                    "the superposed root of its Hessian", to - from, () -> root.columns(from, to));
        }
    }
}
