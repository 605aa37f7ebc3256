// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Both kinds of histograms of gradients and of root columns: of a range of the parameter's own, and of ranges of the
 * network.
 *
 * @param bins of gradients
 * @param binsOfValues of parameters
 * @param rows whether the gradients stand beside their counts
 */
record Histograms(int bins, int binsOfValues, boolean rows) implements Extension<Map<String, Tensor>> {

    static final String RANGE = "range";
    static final String RANGES = "ranges";

    @Override
    public String resultName() {
        return "hist";
    }

    @Override
    public Map<String, Shape> networkOperands() {
        return Map.of(RANGES, Shape.of(2, 2));
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Operand range = site.operand(RANGE, Shape.of(2));
        for (Signal signal : new Signal[] {new LossGradient(), new LossHessianRoot()}) {
            String name = name(signal);
            site.accumulate(name, signal, new Contraction.Histogram(bins, range));
            site.accumulate(
                    name + "_pairs", signal, new Contraction.JointHistogram(bins, binsOfValues, Operand.ofRun(RANGES)));
            if (rows) {
                site.accumulate(name + "_rows", signal, new Contraction.PerSample());
            }
        }
    }

    private static String name(Signal signal) {
        return signal instanceof LossGradient ? "gradients" : "columns";
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        Map<String, Tensor> results = new LinkedHashMap<>();
        for (String name : new String[] {"gradients", "columns"}) {
            results.put(name, partial.tensor(name));
            results.put(name + "_pairs", partial.tensor(name + "_pairs"));
            if (rows) {
                results.put(name + "_rows", partial.tensor(name + "_rows"));
            }
        }
        Tensor range = partial.operand(RANGE);
        results.put("edges", partial.scope().allocate(range.shape(), range.dtype()));
        partial.backend().elementwise().copy(range, results.get("edges"));
        return results;
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }
}
