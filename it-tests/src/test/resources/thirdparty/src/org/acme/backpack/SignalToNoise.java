package org.acme.backpack;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/** |mean| / √(variance + epsilon) of a parameter's per-sample gradients. */
public record SignalToNoise(double epsilon) implements TensorExtension {

    @Override
    public String resultName() {
        return "snr";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate("moments", new LossGradient(), new Contraction.Moments());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        var ops = partial.backend().elementwise();
        double perTerm = 1.0 / partial.count("moments");
        Tensor sum = partial.sum("moments");
        Tensor ratio = partial.scope().allocate(sum.shape(), sum.dtype());
        try (var scope = partial.backend().openScope()) {
            Tensor noise = scope.allocate(sum.shape(), sum.dtype());
            ops.affine(partial.centredSquares("moments"), perTerm, epsilon, noise);
            ops.apply(UnaryOperation.SQRT, noise, noise);
            ops.affine(sum, perTerm, 0, ratio);
            ops.apply(UnaryOperation.ABS, ratio, ratio);
            ops.combine(BinaryOperation.DIVIDE, ratio, noise, ratio);
        }
        return ratio;
    }
}
