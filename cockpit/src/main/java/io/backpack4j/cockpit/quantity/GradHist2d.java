// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A histogram of all pairs of an element of a g_n and the parameter's value there, of which every value counts N times.
 * Outliers and NaN are as in {@link GradHist1d}.
 */
final class GradHist2d implements SingleStepQuantity {

    private static final int MOST_BINS = 2_000;

    private final GradientHistogram histogram;
    private final Optional<BinAdaptation> ofGradients;
    private final Optional<BinAdaptation> ofValues;
    private final boolean keepIndividual;
    private Range gradients;
    private Range values;

    GradHist2d(String label, Arguments options) {
        int gradientBins = 40;
        int valueBins = 50;
        if (options.has("bins")) {
            Options.pair(options, "bins", "numbers of bins");
            List<Long> bins = options.integers("bins");
            gradientBins = (int) Math.max(0, Math.min(MOST_BINS + 1L, bins.get(0)));
            valueBins = (int) Math.max(0, Math.min(MOST_BINS + 1L, bins.get(1)));
            if (gradientBins < 1 || gradientBins > MOST_BINS || valueBins < 1 || valueBins > MOST_BINS) {
                throw options.wrong("bins", "two whole numbers from 1 to " + MOST_BINS, bins);
            }
        }
        this.histogram = new GradientHistogram(gradientBins, valueBins, "histogram-" + label);
        this.gradients = new Range(-1, 1);
        this.values = new Range(-2, 2);
        if (options.has("range")) {
            List<?> ranges = Options.pair(options, "range", "ranges");
            this.gradients = Options.range(options, "range", ranges.get(0));
            this.values = Options.range(options, "range", ranges.get(1));
        }
        Optional<BinAdaptation> first = Optional.empty();
        Optional<BinAdaptation> second = Optional.empty();
        if (options.has("adapt")) {
            List<?> adaptations = Options.pair(options, "adapt", "bin adaptations");
            first = BinAdaptation.of(adaptations.get(0));
            second = BinAdaptation.of(adaptations.get(1));
        }
        this.ofGradients = first;
        this.ofValues = second;
        this.keepIndividual = options.flag("keep_individual", false);
    }

    @Override
    public List<Extension<?>> extensions(long step, boolean due) {
        List<Extension<?>> extensions = new ArrayList<>();
        if (due) {
            extensions.add(histogram);
        }
        ofGradients.ifPresent(own -> extensions.addAll(own.extensions(step)));
        ofValues.ifPresent(own -> extensions.addAll(own.extensions(step)));
        return extensions;
    }

    @Override
    public Map<String, NetworkOperand> operands(double sampleScale) {
        Range unscaled = gradients.times(1 / sampleScale);
        double[] ranges = {unscaled.low(), unscaled.high(), values.low(), values.high()};
        return Map.of(histogram.operand(), new NetworkOperand(histogram.range(), ranges));
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        int columns = histogram.valueBins() + 1;
        long[] counts = new long[(histogram.bins() + 1) * columns];
        Map<String, List<List<Long>>> individual = new LinkedHashMap<>();
        for (String parameter : parameters) {
            long[] own = step.get(histogram, parameter).toLongArray();
            for (int i = 0; i < counts.length; i++) {
                counts[i] += own[i];
            }
            if (keepIndividual) {
                individual.put(parameter, inBins(own, columns));
            }
        }
        DType dtype = step.model().dtype();
        long nan = 0;
        for (int i = 0; i < counts.length; i++) {
            boolean outside = i / columns == histogram.bins() || i % columns == columns - 1;
            nan += outside ? counts[i] : 0;
        }
        Value value = new Value.JointHistogram(
                inBins(counts, columns),
                gradients.rounded(dtype).edges(histogram.bins()),
                values.rounded(dtype).edges(histogram.valueBins()),
                individual);
        return new Measurement(value, nan == 0 ? Map.of() : Map.of("nan", nan));
    }

    private List<List<Long>> inBins(long[] counts, int columns) {
        List<List<Long>> rows = new ArrayList<>();
        for (int i = 0; i < histogram.bins(); i++) {
            List<Long> row = new ArrayList<>();
            for (int j = 0; j < columns - 1; j++) {
                row.add(counts[i * columns + j]);
            }
            rows.add(row);
        }
        return rows;
    }

    @Override
    public Map<String, double[]> state() {
        return Map.of("gradients", gradients.state(), "values", values.state());
    }

    @Override
    public void restore(Map<String, double[]> state) {
        gradients = Range.of(state.get("gradients"), gradients);
        values = Range.of(state.get("values"), values);
    }

    @Override
    public void keep(Observation step, List<String> parameters) {
        ofGradients.ifPresent(own -> gradients = own.next(step, parameters, gradients));
        ofValues.ifPresent(own -> values = own.next(step, parameters, values));
    }
}
