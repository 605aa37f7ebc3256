// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is few numbers of many gradients: extremes, traces, norms, inner products with the batch's sum, per parameter
 * and, of the last three, over the network.
 *
 * @param signal whose gradients
 * @param withSum whether inner products with the sum are among them, and in which stage; 0 for not at all
 */
public record SignalStatistics(Signal signal, int withSum) implements Extension<Map<String, Tensor>> {

    private static final List<String> FOLDED = List.of("norms", "dots", "centred");

    /** With everything, in one stage. */
    public SignalStatistics(Signal signal) {
        this(signal, 1);
    }

    @Override
    public String resultName() {
        return "statistics";
    }

    @Override
    public int stages() {
        return Math.max(1, withSum);
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        if (stage == withSum) {
            site.accumulate("dots", signal, new Contraction.DotWithSum());
        }
        if (stage == 1) {
            site.accumulate("extremes", signal, new Contraction.Extremes());
            site.accumulate("trace", signal, new Contraction.Trace());
            site.accumulate("norms", signal, new Contraction.SquaredNorms());
            site.accumulate("centred", signal, new Contraction.CentredSquaredNorm());
        }
    }

    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        Map<String, Tensor> folded = new LinkedHashMap<>();
        for (String name : FOLDED) {
            if (stage == Math.max(1, withSum) && (withSum > 0 || !name.equals("dots"))) {
                Tensor first = partial.sites().get(0).tensor(name);
                Tensor sum = partial.scope().allocate(first.shape(), first.dtype());
                partial.backend().elementwise().fill(sum, 0);
                for (SitePartial site : partial.sites()) {
                    partial.backend().elementwise().addScaled(1, site.tensor(name), sum);
                }
                folded.put(name, sum);
            }
        }
        return folded;
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        for (String name : List.of("extremes", "trace", "norms", "centred")) {
            result.put(name, partial.tensor(name));
        }
        if (withSum > 0) {
            result.put("dots", partial.tensor("dots"));
            // ‖Σ g‖², as a tensor of the extension's own.
            Tensor total =
                    partial.scope().allocate(Shape.of(), partial.tensor("dots").dtype());
            partial.backend().reductions().reduce(Reduction.SUM, partial.tensor("dots"), 0, 2, total);
            result.put("norm_of_sums", total);
        }
        return result;
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }

    @Override
    public Map<String, Tensor> exportNetwork(Map<String, Tensor> folded) {
        return folded;
    }
}
