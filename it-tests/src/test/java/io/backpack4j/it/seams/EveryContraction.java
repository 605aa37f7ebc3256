// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.ext.secondorder.AveragedHessianRoot;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Every contraction of every signal, under keys that say their degree in the loss's factor.
 *
 * @param columns of signals, by their names, for operands
 */
record EveryContraction(Map<String, Long> columns) implements Extension<Map<String, Tensor>> {

    private static final List<Signal> SIGNALS = List.of(
            new LossGradient(),
            new LossHessianRoot(),
            new SampledLossGradient(2),
            new AveragedHessianRoot(),
            new ResidualCurvature());

    @Override
    public String resultName() {
        return "all";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        for (Signal signal : SIGNALS) {
            for (Contraction contraction : contractions(signal, site.kronecker().orElseThrow())) {
                double degree = signal.degree() * contraction.power();
                site.accumulate(key(signal, contraction, degree), signal, contraction);
            }
        }
    }

    static String key(Signal signal, Contraction contraction, double degree) {
        String name = contraction.getClass().getSimpleName();
        if (contraction.equals(new Contraction.InnerProducts(true))) {
            name = "same-sample " + name;
        }
        return "%s of %s^%s".formatted(name, signal.name(), degree);
    }

    private List<Contraction> contractions(Signal signal, KroneckerSizes sizes) {
        if (signal instanceof ResidualCurvature) {
            return List.of(
                    new Contraction.SumOfSquares(), new Contraction.SumOfSquaresPerSample(), new Contraction.Trace());
        }
        var outputFactor = new Contraction.OutputFactor(sizes, KroneckerConvention.EXPAND);
        if (signal instanceof AveragedHessianRoot) {
            return List.of(new Contraction.SumOfSquares(), outputFactor);
        }
        List<Contraction> all = new ArrayList<>(List.of(
                new Contraction.PerSample(),
                new Contraction.Sum(),
                new Contraction.Moments(),
                new Contraction.SumOfSquares(),
                new Contraction.SumOfSquaresPerSample(),
                new Contraction.SquaredNorms(),
                new Contraction.Extremes(),
                new Contraction.Trace(),
                new Contraction.DotWithSum(),
                new Contraction.CentredSquaredNorm(),
                new Contraction.InnerProducts(true),
                new Contraction.InnerProducts(false),
                new Contraction.OuterProducts(),
                outputFactor));
        all.add(new Contraction.Dot(new Operand(this, signal.name() + ":vectors"), 1));
        all.add(new Contraction.MappedInnerProducts(new Operand(this, signal.name() + ":scales"), Optional.empty()));
        all.add(new Contraction.WeightedSum(new Operand(this, signal.name() + ":weights"), 1));
        all.add(new Contraction.Histogram(4, new Operand(this, signal.name() + ":range")));
        all.add(new Contraction.JointHistogram(4, 3, new Operand(this, signal.name() + ":ranges")));
        if (signal instanceof LossGradient) {
            all.add(new Contraction.InputFactor(sizes, KroneckerConvention.EXPAND));
        }
        return all;
    }

    /** 1, 2, …: against ones, gradients of a softmax would cancel. */
    @Override
    public Tensor operand(String name, SitePartial site) {
        if (name.endsWith(":range")) {
            return site.backend().upload(site.scope(), Shape.of(2), DType.FLOAT64, new double[] {-0.1, 0.2});
        } else if (name.endsWith(":ranges")) {
            return site.backend()
                    .upload(site.scope(), Shape.of(2, 2), DType.FLOAT64, new double[] {-0.1, 0.2, -0.5, 0.5});
        }
        String signal = name.substring(0, name.indexOf(':'));
        Shape shape = name.endsWith(":scales")
                ? site.shape()
                : name.endsWith(":vectors")
                        ? site.shape().prepend(1)
                        : Shape.of(1, columns.get(signal), site.samples());
        double[] values = LongStream.rangeClosed(1, shape.elements())
                .mapToDouble(value -> value)
                .toArray();
        return site.backend().upload(site.scope(), shape, DType.FLOAT64, values);
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        for (Signal signal : SIGNALS) {
            for (Contraction contraction :
                    contractions(signal, partial.kronecker().orElseThrow())) {
                double degree = signal.degree() * contraction.power();
                String key = key(signal, contraction, degree);
                if (contraction.equals(new Contraction.Moments())) {
                    result.put(key, partial.centredSquares(key));
                    result.put(key(signal, contraction, degree / 2), partial.sum(key));
                } else {
                    result.put(key, partial.tensor(key));
                }
            }
        }
        return result;
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }
}
