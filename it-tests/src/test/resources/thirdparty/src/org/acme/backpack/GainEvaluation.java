package org.acme.backpack;

import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** The way back through a gain: cotangents times the gain, and times x for the gain itself. */
record GainEvaluation(Tensor x, Tensor gain, Tensor output) implements Evaluation {

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new Pullback() {
            @Override
            public Tensor input(int index) {
                return Gain.product(context, cotangents, gain);
            }

            @Override
            public ParameterDerivatives parameter(String name) {
                return name.equals("gain") ? derivatives(context, cotangents) : Pullback.super.parameter(name);
            }
        };
    }

    private ParameterDerivatives derivatives(EvaluationContext context, Tensor cotangents) {
        Shape shape = cotangents.shape();
        Tensor gradients = Gain.product(context, cotangents, x);
        return new ParameterDerivatives(context.backend(), gain.shape(), x.dtype(), shape.size(0), shape.size(1)) {
            @Override
            public void perSample(Block block, Tensor destination) {
                Region region = Region.all(shape)
                        .with(0, block.fromColumn(), block.columns())
                        .with(1, block.fromSample(), block.samples());
                backend().indexing().extract(gradients, region, destination);
            }
        };
    }
}
