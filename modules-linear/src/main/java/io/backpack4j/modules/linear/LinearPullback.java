// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.module.factored.FactorSizes;
import io.backpack4j.spi.module.factored.FactoredParameter;
import io.backpack4j.spi.module.factored.SampleBlocks;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** d being the cotangents: input d · weight, weight Σ_s d_s ⊗ x_s, bias Σ_s d_s. */
final class LinearPullback implements Pullback {

    private final LinearEvaluation evaluation;
    private final EvaluationContext context;
    private final Tensor cotangents;
    private final long columns;
    private final long samples;
    private final long positions;

    LinearPullback(LinearEvaluation evaluation, EvaluationContext context, Tensor cotangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.cotangents = cotangents;
        Shape shape = cotangents.shape();
        this.columns = shape.size(0);
        this.samples = shape.size(1);
        this.positions = shape.elements(2, shape.rank() - 1);
    }

    @Override
    public Tensor input(int index) {
        Backend backend = context.backend();
        Tensor result =
                context.scope().allocate(cotangents.shape().with(-1, module().inFeatures()), cotangents.dtype());
        try (TensorScope scope = backend.openScope()) {
            backend.products()
                    .multiply(
                            Linear.rows(scope, cotangents),
                            false,
                            evaluation.weight(),
                            false,
                            1,
                            0,
                            Linear.rows(scope, result));
        }
        return result;
    }

    @Override
    public ParameterDerivatives parameter(String name) {
        if (name.equals(Linear.WEIGHT)) {
            return weight();
        } else if (name.equals(Linear.BIAS) && module().bias()) {
            return BiasDerivatives.channelsLast(context.backend(), byPosition(context.scope()));
        }
        return Pullback.super.parameter(name);
    }

    private FactoredParameter weight() {
        long out = module().outFeatures();
        long in = module().inFeatures();
        return new FactoredParameter(
                context.backend(),
                Shape.of(out, in),
                cotangents.dtype(),
                columns,
                samples,
                new FactorSizes(1, out, in, positions, true),
                this::factors);
    }

    private PerSampleProduct factors(TensorScope scope, Block block) {
        Tensor rows = SampleBlocks.rows(context.backend(), scope, byPosition(scope), block);
        Tensor left =
                scope.view(rows, Shape.of(block.columns() * block.samples(), 1, positions, module().outFeatures()));
        Tensor input = scope.rows(evaluation.input(), block.fromSample(), block.toSample());
        Tensor right = scope.view(input, Shape.of(block.samples(), 1, positions, module().inFeatures()));
        return new PerSampleProduct(left, true, right, false);
    }

    /** The cotangents as {@code [V, N, S, O]}. */
    private Tensor byPosition(TensorScope scope) {
        return scope.view(cotangents, Shape.of(columns, samples, positions, module().outFeatures()));
    }

    private Linear module() {
        return evaluation.module();
    }
}
